package iothub_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flotilla-sim/flotilla/harness/iothub"
)

func TestReadyFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "ready.json")
	want := iothub.Ready{
		ConnectionString: "HostName=localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=a2V5",
		Policies:         map[string]string{"service": "HostName=localhost;SharedAccessKeyName=service;SharedAccessKey=a2V5"},
		HTTPS:            "127.0.0.1:8443", MQTTS: "127.0.0.1:8883", Hosts: []string{"localhost"}, CAFile: "/data/ca.pem", Data: "/data",
		Devices: map[string]string{"d": "HostName=localhost;DeviceId=d;SharedAccessKey=a2V5"},
	}
	for range 2 { // the second replaces the first
		if err := iothub.WriteReady(file, want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := iothub.ReadReady(file)
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}
	if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; the file holds keys and is to be its owner's alone", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("the folder holds %v", left)
	}
	for text, want := range map[string]string{
		"":                    "is not what `flotilla serve --ready-file` writes",
		"{}":                  "has no connectionString",
		`{"https":1}`:         "is not what",
		`{"devices":{}}` + "": "has no connectionString",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := iothub.ReadReady(file); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: %v; want %q and the file's name", text, err, want)
		}
	}
	if _, err := iothub.ReadReady(filepath.Join(dir, "none")); err == nil {
		t.Error("a file that is not there was read")
	}
	if err := iothub.WriteReady(filepath.Join(dir, "no", "where"), want); err == nil {
		t.Error("a file was written into a folder that is not there")
	}
}
