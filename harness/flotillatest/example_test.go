package flotillatest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/flotilla-sim/flotilla/harness/flotillatest"
)

// A test of a program that updates a fleet: the devices are simulated, the
// program is told where their hub is.
func ExampleStart() {
	_ = func(t *testing.T) { // TestRollout, say
		hub := flotillatest.Start(t, flotillatest.Fleet("six-devices", "groups.six.flash=1ms"))

		// What is tested here would be your program, with hub.ConnectionString.
		jobs := hub.Jobs()
		if _, err := jobs.ScheduleFirmwareUpdate(t.Context(), "rollout", []string{"Device11-7ce4a850"}, hub.Packages["fw-3"], time.Hour); err != nil {
			t.Fatal(err)
		}

		end, err := jobs.Wait(t.Context(), "rollout", 10*time.Millisecond, nil)
		if err != nil || end.StatusMessage != "Devices: 1; Succeeded: 1; Failed: 0;" {
			t.Errorf("%+v, %v", end, err)
		}
	}
}

// A test of a device's program: it is given a connection string of its own,
// and the hub's authority as a file.
func ExampleHub_Register() {
	_ = func(t *testing.T) {
		hub := flotillatest.Start(t, flotillatest.Hosts("hub.example.test"))
		text := hub.Register("thermostat-1") // HostName=hub.example.test;DeviceId=thermostat-1;SharedAccessKey=..
		t.Log(text, hub.MQTTS, hub.CAFile)
	}
}

// A test that speaks HTTP itself.
func ExampleHub_TLS() {
	_ = func(t *testing.T) {
		hub := flotillatest.Start(t)
		client := http.Client{Transport: &http.Transport{TLSClientConfig: hub.TLS()}}
		answer, err := client.Get("https://" + hub.HTTPS + "/devices?api-version=2016-04-25-preview")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close() // 401: there was no token
	}
}
