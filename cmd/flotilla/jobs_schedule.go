package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flotilla-sim/flotilla/harness/iothub"
)

// scheduleFlags are the flags of every command that schedules a job.
type scheduleFlags struct {
	hubFlags
	jobID string
	file  string
	waitFlags
}

// scheduleCommand makes a command that schedules a job over the devices it is
// given.
func scheduleCommand(e *env, f *scheduleFlags, c *cobra.Command, schedule func(ctx context.Context, jobs *iothub.JobClient, id string, devices []string) (*iothub.JobResponse, error)) *cobra.Command {
	c.Use += " DEVICE..."
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := f.check(); err != nil {
			return err
		}
		devices, err := f.devices(args)
		if err != nil {
			return err
		}
		id := f.jobID
		if id == "" {
			id = newUUID()
		}
		return f.jobs(e, func(jobs *iothub.JobClient) error {
			job, err := schedule(c.Context(), jobs, id, devices)
			if err != nil {
				return err
			}
			if !f.wait {
				return f.listJobs(e, []iothub.JobResponse{*job}, true)
			}
			return f.follow(c.Context(), e, jobs, job, f.waitFlags)
		})
	}
	f.hubFlags.register(c)
	f.waitFlags.add(c)
	c.Flags().StringVar(&f.jobID, "job-id", "", "`ID` of the job, 1 to 128 bytes (default a new UUID)")
	c.Flags().StringVarP(&f.file, "devices-file", "f", "", "`FILE` of devices, shaped as sampledevices.json; - is the standard input. Ids with a comma need it")
	return c
}

// devices are the ids that are named, one by one, with commas, or in a file.
func (f *scheduleFlags) devices(args []string) ([]string, error) {
	var ids []string
	for _, a := range args {
		ids = append(ids, strings.Split(a, ",")...)
	}
	if f.file != "" {
		list, err := f.devicesFile(f.file)
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			ids = append(ids, d.DeviceID)
		}
	}
	if len(ids) == 0 {
		return nil, errors.New("no device is named; give ids, or a file of devices with --devices-file")
	}
	for i, id := range ids {
		if ids[i] = strings.TrimSpace(id); ids[i] == "" {
			return nil, fmt.Errorf("an id of a device is empty in %q", strings.Join(args, " "))
		}
	}
	return ids, nil
}

// newUUID makes a version 4 UUID. [RFC 9562, section 5.4]
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func scheduleFirmwareUpdate(e *env) *cobra.Command {
	var f scheduleFlags
	var uri, timeout string
	c := scheduleCommand(e, &f, &cobra.Command{
		Use:   "schedule-firmware-update",
		Short: "have devices download a package and flash it",
		Long:  `Schedule-firmware-update has devices download a firmware package and flash it.`,
		Example: `  flotilla jobs schedule-firmware-update Device11-7ce4a850 --package-uri http://url.to.firmware.update --timeout 25
  flotilla jobs schedule-firmware-update -f sampledevices.json --package-uri http://127.0.0.1:8080/fw-3 --timeout 90s --wait`,
	}, func(ctx context.Context, jobs *iothub.JobClient, id string, devices []string) (*iothub.JobResponse, error) {
		limit, err := iothub.ParseMinutes(timeout)
		if err != nil {
			return nil, fmt.Errorf("--timeout: %w", err)
		}
		return jobs.ScheduleFirmwareUpdate(ctx, id, devices, uri, limit)
	})
	c.Flags().StringVar(&uri, "package-uri", "", "`URI` of the package, 1 to 255 bytes; devices download it themselves")
	c.Flags().StringVar(&timeout, "timeout", "30", "`TIME` the whole job may take: minutes, or with a unit (25, 25m, 1h30m); 1 minute to 1 day")
	c.MarkFlagRequired("package-uri")
	return c
}

func scheduleReboot(e *env) *cobra.Command {
	var f scheduleFlags
	return scheduleCommand(e, &f, &cobra.Command{
		Use:     "schedule-reboot",
		Short:   "reboot devices",
		Long:    `Schedule-reboot reboots devices. A device's part is done when it has said that it will.`,
		Example: `  flotilla jobs schedule-reboot Device11-7ce4a850,Device21-7ce4a850 --wait`,
	}, func(ctx context.Context, jobs *iothub.JobClient, id string, devices []string) (*iothub.JobResponse, error) {
		return jobs.ScheduleReboot(ctx, id, devices)
	})
}

func scheduleFactoryReset(e *env) *cobra.Command {
	var f scheduleFlags
	return scheduleCommand(e, &f, &cobra.Command{
		Use:     "schedule-factory-reset",
		Short:   "set devices back to their factory image",
		Long:    `Schedule-factory-reset sets devices back to their factory image.`,
		Example: `  flotilla jobs schedule-factory-reset Device11-7ce4a850 --wait`,
	}, func(ctx context.Context, jobs *iothub.JobClient, id string, devices []string) (*iothub.JobResponse, error) {
		return jobs.ScheduleFactoryReset(ctx, id, devices)
	})
}

func scheduleConfigurationUpdate(e *env) *cobra.Command {
	var f scheduleFlags
	var value string
	c := scheduleCommand(e, &f, &cobra.Command{
		Use:     "schedule-configuration-update",
		Short:   "write a configuration to devices and have them apply it",
		Long:    `Schedule-configuration-update writes a configuration to devices and has them apply it.`,
		Example: `  flotilla jobs schedule-configuration-update Device11-7ce4a850 --value '{"telemetryPeriod":"2s"}' --wait`,
	}, func(ctx context.Context, jobs *iothub.JobClient, id string, devices []string) (*iothub.JobResponse, error) {
		return jobs.ScheduleDeviceConfigurationUpdate(ctx, id, devices, value)
	})
	c.Flags().StringVar(&value, "value", "", "the configuration, a `TEXT` of 0 to 255 bytes")
	c.MarkFlagRequired("value")
	return c
}

func schedulePropertyRead(e *env) *cobra.Command {
	var f scheduleFlags
	var names []string
	c := scheduleCommand(e, &f, &cobra.Command{
		Use:   "schedule-property-read",
		Short: "read properties from devices into their twins (a deep read)",
		Long: `Schedule-property-read asks devices for properties now, which brings their twins
up to date: see them with ` + "`flotilla devices show`" + `.`,
		Example: `  flotilla jobs schedule-property-read Device11-7ce4a850 --name timezone --name BatteryLevel --wait`,
	}, func(ctx context.Context, jobs *iothub.JobClient, id string, devices []string) (*iothub.JobResponse, error) {
		return jobs.ScheduleDevicePropertyRead(ctx, id, devices, names)
	})
	c.Flags().StringSliceVar(&names, "name", nil, "`PROPERTY` to read, in any letter case; several with commas or flags")
	c.MarkFlagRequired("name")
	return c
}

func schedulePropertyWrite(e *env) *cobra.Command {
	var f scheduleFlags
	var sets []string
	c := scheduleCommand(e, &f, &cobra.Command{
		Use:   "schedule-property-write",
		Short: "write properties to devices (a deep write)",
		Long: `Schedule-property-write writes properties to devices. Their twins change when the
devices say so, or by a deep read: not by the end of this job.`,
		Example: `  flotilla jobs schedule-property-write Device11-7ce4a850 --set timezone=PST --wait
  flotilla jobs schedule-property-write Device11-7ce4a850 --set RegistrationLifetime=600 --set 'Timezone="1"'`,
	}, func(ctx context.Context, jobs *iothub.JobClient, id string, devices []string) (*iothub.JobResponse, error) {
		values := map[string]any{}
		for _, s := range sets {
			name, value, err := iothub.ParseSetting(s)
			if err != nil {
				return nil, fmt.Errorf("--set: %w", err)
			}
			if _, twice := values[name]; twice {
				return nil, fmt.Errorf("--set: %s is set twice", name)
			}
			values[name] = value
		}
		return jobs.ScheduleDevicePropertyWrite(ctx, id, devices, values)
	})
	c.Flags().StringArrayVar(&sets, "set", nil, "`NAME=VALUE` to write: a number, true, false or a text; a text in quotes is one whatever it looks like; may be given several times")
	c.MarkFlagRequired("set")
	return c
}
