package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flotilla-sim/flotilla/harness/iothub"
	"github.com/flotilla-sim/flotilla/reports"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// identityFlags are what can be said of a device's identity.
type identityFlags struct {
	status, reason     string
	primary, secondary string
}

func (f *identityFlags) register(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.status, "status", "", "`STATUS`: enabled or disabled")
	flags.StringVar(&f.reason, "status-reason", "", "`TEXT` that says why, at most 128 characters")
	flags.StringVar(&f.primary, "primary-key", "", "`KEY`: 16 to 64 bytes in base64; the hub makes keys where none are given")
	flags.StringVar(&f.secondary, "secondary-key", "", "`KEY` beside it")
	c.MarkFlagsRequiredTogether("primary-key", "secondary-key")
}

func (f *identityFlags) into(d *iothub.Device) {
	d.Status, d.StatusReason = f.status, f.reason
	if f.primary != "" {
		d.Authentication = &iothub.Authentication{SymmetricKey: &iothub.SymmetricKey{PrimaryKey: f.primary, SecondaryKey: f.secondary}}
	}
}

// serviceFlags are service properties and tags.
type serviceFlags struct {
	properties []string
	tags       []string
}

func (f *serviceFlags) register(c *cobra.Command) {
	flags := c.Flags()
	flags.StringArrayVar(&f.properties, "property", nil, "`NAME=VALUE` of a service property: a number, true, false or a text; may be given several times")
	flags.StringSliceVar(&f.tags, "tags", nil, "`TAGS` with commas between them")
}

// over lays the flags over what is there.
func (f *serviceFlags) over(s *iothub.ServiceProperties) error {
	if s.Properties.Kind() != doc.KindObject {
		s.Properties = doc.Object()
	}
	for _, p := range f.properties {
		name, value, err := iothub.ParseSetting(p)
		if err != nil {
			return fmt.Errorf("--property: %w", err)
		}
		s.Properties = s.Properties.With(name, value, 0)
	}
	if f.tags != nil {
		s.Tags = f.tags
	}
	if s.Tags == nil {
		s.Tags = []string{}
	}
	return nil
}

func createDevices(e *env) *cobra.Command {
	var f hubFlags
	var id identityFlags
	var service serviceFlags
	var file, creds string
	var replace bool
	c := f.register(&cobra.Command{
		Use:   "create [DEVICE]",
		Short: "create a device, or those of a file",
		Long: `Create creates a device, or all devices of a file, which has the shape of the
tutorial's sampledevices.json: a list of deviceId and serviceProperties. The
hub makes keys where none are given. --creds writes a file with a connection
string a line, as the tutorial's generate_devices.js does.`,
		Example: `  flotilla devices create Device71 --property CustomerId='"123456"' --tags milk,cookies
  flotilla devices create --file sampledevices.json --replace --creds devicecreds.txt`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			list, err := f.toCreate(args, file, id, service)
			if err != nil {
				return err
			}
			return f.registry(e, func(r *iothub.Registry) error {
				return f.create(c.Context(), e, r, list, replace, creds)
			})
		},
	})
	id.register(c)
	service.register(c)
	flags := c.Flags()
	flags.StringVarP(&file, "file", "f", "", "`FILE` of devices, JSON; - is the standard input")
	flags.StringVar(&creds, "creds", "", "`FILE` to write the devices' connection strings to, a line each; one that is there is replaced")
	flags.BoolVar(&replace, "replace", false, "delete a device of that id first; its twin and keys are lost")
	c.MarkFlagsMutuallyExclusive("file", "primary-key")
	c.MarkFlagsMutuallyExclusive("file", "property")
	c.MarkFlagsMutuallyExclusive("file", "tags")
	return c
}

// toCreate is what the arguments or the file say.
func (f *hubFlags) toCreate(args []string, file string, id identityFlags, service serviceFlags) ([]iothub.Device, error) {
	switch {
	case len(args) == 0 && file == "":
		return nil, errors.New("no device is named; give an id, or a file with --file")
	case len(args) == 1 && file != "":
		return nil, errors.New("give an id or --file, not both")
	case file != "":
		list, err := f.devicesFile(file)
		for i := range list {
			if id.status != "" {
				list[i].Status, list[i].StatusReason = id.status, id.reason
			}
		}
		return list, err
	}
	d := iothub.Device{DeviceID: args[0]}
	id.into(&d)
	if service.properties != nil || service.tags != nil {
		d.ServiceProperties = &iothub.ServiceProperties{}
		if err := service.over(d.ServiceProperties); err != nil {
			return nil, err
		}
	}
	return []iothub.Device{d}, nil
}

// create creates devices one after the other; the first that fails ends it.
func (f *hubFlags) create(ctx context.Context, e *env, r *iothub.Registry, list []iothub.Device, replace bool, creds string) error {
	var out *os.File
	if creds != "" {
		if err := os.Remove(creds); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		var err error
		if out, err = os.OpenFile(creds, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil { // it holds keys
			return err
		}
		defer out.Close()
	}
	var made []iothub.Device
	for _, d := range list {
		if replace {
			if err := r.Delete(ctx, d.DeviceID, "*"); err != nil && !absent(err) {
				return err
			}
		}
		answer, err := r.Create(ctx, d)
		if err != nil {
			return err
		}
		made = append(made, *answer)
		if f.output == reports.ListingFormats[0] {
			fmt.Fprintf(e.stdout, "device created: %s\n", answer.DeviceID)
		}
		if out != nil {
			cs, err := r.ConnectionString(answer, false)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintln(out, cs.Text()); err != nil {
				return err
			}
		}
	}
	if out != nil {
		if err := out.Close(); err != nil {
			return err
		}
	}
	if f.output == reports.ListingFormats[0] {
		return nil
	}
	return f.listDevices(e, made, false)
}

func updateDevice(e *env) *cobra.Command {
	var f hubFlags
	var id identityFlags
	var etag string
	c := f.register(&cobra.Command{
		Use:   "update DEVICE",
		Short: "change a device's status or keys",
		Long: `Update changes a device's identity: its status, keys. Disabling a device ends its
connection; new keys count from its next connection on.`,
		Example: `  flotilla devices update Device11-7ce4a850 --status disabled --status-reason 'in repair'`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if id.status == "" && id.reason == "" && id.primary == "" {
				return errors.New("nothing is to be changed; give --status, --status-reason or keys")
			}
			d := iothub.Device{DeviceID: args[0]}
			id.into(&d)
			return f.update(c.Context(), e, d, etag)
		},
	})
	id.register(c)
	c.Flags().StringVar(&etag, "etag", "*", "`ETAG` the device is known with; another one is refused")
	return c
}

func (f *hubFlags) update(ctx context.Context, e *env, d iothub.Device, etag string) error {
	return f.registry(e, func(r *iothub.Registry) error {
		answer, err := r.Update(ctx, d, etag)
		if err != nil {
			return err
		}
		return f.listDevices(e, []iothub.Device{*answer}, true)
	})
}

func enableDevice(e *env, enable bool) *cobra.Command {
	var f hubFlags
	word, status, what := "disable", iothub.StatusDisabled, "disable a device and end its connection"
	if enable {
		word, status, what = "enable", iothub.StatusEnabled, "let a disabled device connect again"
	}
	return f.register(&cobra.Command{
		Use:     word + " DEVICE",
		Short:   what,
		Long:    strings.ToUpper(word[:1]) + word[1:] + " is `flotilla devices update --status " + status + "`.",
		Example: "  flotilla devices " + word + " Device11-7ce4a850",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.update(c.Context(), e, iothub.Device{DeviceID: args[0], Status: status}, "*")
		},
	})
}

func deleteDevices(e *env) *cobra.Command {
	f := hubFlags{noListening: true}
	var etag string
	var ignore bool
	c := f.register(&cobra.Command{
		Use:     "delete DEVICE...",
		Short:   "delete devices",
		Long:    `Delete deletes devices with all that the hub knows of them, and ends their connections.`,
		Example: `  flotilla devices delete Device11-7ce4a850 Device21-7ce4a850 --ignore-not-found`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.registry(e, func(r *iothub.Registry) error {
				for _, id := range args {
					switch err := r.Delete(c.Context(), id, etag); {
					case err == nil:
						fmt.Fprintf(e.stdout, "device deleted: %s\n", id)
					case !ignore || !absent(err):
						return err
					}
				}
				return nil
			})
		},
	})
	c.Flags().StringVar(&etag, "etag", "*", "`ETAG` the device is known with; another one is refused")
	c.Flags().BoolVar(&ignore, "ignore-not-found", false, "a device that is not there is no error")
	return c
}

// absent says whether the hub knows no such device.
func absent(err error) bool {
	refused, ok := errors.AsType[*iothub.RESTError](err)
	return ok && refused.Status == http.StatusNotFound
}

func setServiceProperties(e *env) *cobra.Command {
	var f hubFlags
	var service serviceFlags
	var etag string
	var replace bool
	c := f.register(&cobra.Command{
		Use:   "set-service-properties DEVICE",
		Short: "change the properties and tags that the service keeps of a device",
		Long: `Set-service-properties changes what the service keeps of a device: it gets the
present properties and tags, lays what is given over them and writes them back,
with the etag they had: if another has changed them meanwhile, that is refused.
--replace begins with none.`,
		Example: `  flotilla devices set-service-properties Device11-7ce4a850 --property sampleProperty=1
  flotilla devices set-service-properties Device11-7ce4a850 --replace --tags milk,bacon`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if !replace && service.properties == nil && service.tags == nil {
				return errors.New("nothing is to be changed; give --property or --tags")
			}
			return f.registry(e, func(r *iothub.Registry) error {
				d, err := r.Get(c.Context(), args[0])
				if err != nil {
					return err
				}
				present := iothub.ServiceProperties{}
				if d.ServiceProperties != nil {
					present = *d.ServiceProperties
				}
				if replace {
					present = iothub.ServiceProperties{ETag: present.ETag}
				}
				if etag != "" {
					present.ETag = etag
				}
				if err := service.over(&present); err != nil {
					return err
				}
				answer, err := r.SetServiceProperties(c.Context(), args[0], present)
				if err != nil {
					return err
				}
				columns, rows := iothub.ServiceRows(args[0], answer)
				return f.list(e, reports.Listing{Columns: columns, Rows: rows, Value: answer})
			})
		},
	})
	service.register(c)
	c.Flags().StringVar(&etag, "etag", "", "`ETAG` of the service properties to change, * whatever it is (default the present one's)")
	c.Flags().BoolVar(&replace, "replace", false, "properties and tags that are not given are gone")
	return c
}
