package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/reports"
)

func devicesCommand(e *env) *cobra.Command {
	return groupCommand(&cobra.Command{
		Use:   "devices",
		Short: "create, find and change devices on a hub, as the 2016 preview's SDKs do",
		Long: `Devices manages the devices of a hub: their identities, what the hub knows of
them, and the properties and tags that the service keeps of them.` + "\n" + hubHelp,
		Example: `  flotilla devices create --file sampledevices.json
  flotilla devices list
  flotilla devices list --tags bacon
  flotilla devices show Device11-7ce4a850 -o json`,
	}, createDevices(e), listDevices(e), showDevice(e), updateDevice(e), enableDevice(e, true), enableDevice(e, false), deleteDevices(e),
		queryDevices(e), setServiceProperties(e), statistics(e), connectionString(e))
}

func listDevices(e *env) *cobra.Command {
	var f hubFlags
	var tags []string
	var top int
	c := f.register(&cobra.Command{
		Use:   "list",
		Short: "list devices, all or those with tags",
		Long: `List lists the first devices of a hub, 1,000 at most. With --tags it lists those
that have every tag.`,
		Example: `  flotilla devices list
  flotilla devices list --tags bacon,milk --top 100 -o csv`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("top") && (top < 1 || top > 1000) {
				return fmt.Errorf("--top must be 1 to 1000, is %d", top)
			}
			return f.registry(e, func(r *iothub.Registry) error {
				var list []iothub.Device
				var err error
				if tags == nil {
					list, err = r.List(c.Context(), top)
				} else {
					list, err = r.QueryDevicesByTags(c.Context(), tags, top)
				}
				if err != nil {
					return err
				}
				return f.listDevices(e, list, false)
			})
		},
	})
	c.Flags().StringSliceVar(&tags, "tags", nil, "`TAGS` that a device must have, with commas between them")
	c.Flags().IntVar(&top, "top", 1000, "`NUMBER` of devices at most, 1 to 1000")
	return c
}

func showDevice(e *env) *cobra.Command {
	var f hubFlags
	var properties bool
	c := f.register(&cobra.Command{
		Use:   "show DEVICE",
		Short: "show a device as the hub knows it (a shallow read)",
		Long: `Show shows a device as the hub knows it: nothing is asked of the device itself.
--properties shows what the device has reported, with the time of each value;
-o json shows all there is, keys included.`,
		Example: `  flotilla devices show Device11-7ce4a850
  flotilla devices show Device11-7ce4a850 --properties
  flotilla devices show Device11-7ce4a850 -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.registry(e, func(r *iothub.Registry) error {
				d, err := r.Get(c.Context(), args[0])
				if err != nil {
					return err
				}
				if !properties {
					return f.listDevices(e, []iothub.Device{*d}, true)
				}
				columns, rows := iothub.PropertyRows(d)
				return f.list(e, reports.Listing{Columns: columns, Rows: rows, Value: d.DeviceProperties})
			})
		},
	})
	c.Flags().BoolVar(&properties, "properties", false, "show the device properties, a row each")
	return c
}

func queryDevices(e *env) *cobra.Command {
	var f hubFlags
	return f.register(&cobra.Command{
		Use:   "query [QUERY]",
		Short: "find devices by what is known of them",
		Long: `Query runs a query of the 2016 preview over devices: 100 rows at most. QUERY is a
JSON object, a file's name, or - for the standard input; without one it is
everything.`,
		Example: `  flotilla devices query '{"sort":[{"order":"asc","property":{"name":"QoS","type":"service"}}]}'
  flotilla devices query weight-per-customer.json -o csv`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			q, raw, err := f.query(args, iothub.QueryExpression{})
			if err != nil {
				return err
			}
			return f.registry(e, func(r *iothub.Registry) error {
				answer, err := r.QueryDevicesJSON(c.Context(), raw)
				if err != nil {
					return err
				}
				return f.rows(e, answer, q, "deviceId", func() error {
					list, err := answer.Devices()
					if err != nil {
						return err
					}
					return f.listDevices(e, list, false)
				})
			})
		},
	})
}

func statistics(e *env) *cobra.Command {
	var f hubFlags
	return f.register(&cobra.Command{
		Use:     "statistics",
		Short:   "count the devices of a hub",
		Long:    `Statistics counts the devices of a hub.`,
		Example: `  flotilla devices statistics -o json`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return f.registry(e, func(r *iothub.Registry) error {
				s, err := r.Statistics(c.Context())
				if err != nil {
					return err
				}
				return f.list(e, reports.Listing{
					Columns: []string{"total", "enabled", "disabled"}, Right: []bool{true, true, true},
					Rows:  [][]string{{fmt.Sprint(s.TotalDeviceCount), fmt.Sprint(s.EnabledDeviceCount), fmt.Sprint(s.DisabledDeviceCount)}},
					Value: s,
				})
			})
		},
	})
}

func connectionString(e *env) *cobra.Command {
	f := hubFlags{noListening: true}
	var secondary bool
	c := f.register(&cobra.Command{
		Use:   "connection-string DEVICE...",
		Short: "print what a device connects with",
		Long: `Connection-string prints a device's connection string, key included: give it to
the device, and to nobody else.`,
		Example: `  flotilla devices connection-string Device11-7ce4a850`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.registry(e, func(r *iothub.Registry) error {
				for _, id := range args {
					d, err := r.Get(c.Context(), id)
					if err != nil {
						return err
					}
					cs, err := r.ConnectionString(d, secondary)
					if err != nil {
						return err
					}
					fmt.Fprintln(e.stdout, cs.Text())
				}
				return nil
			})
		},
	})
	c.Flags().BoolVar(&secondary, "secondary", false, "with the secondary key")
	return c
}
