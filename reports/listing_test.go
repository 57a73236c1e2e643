package reports_test

import (
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/reports"
)

func TestListing(t *testing.T) {
	l := reports.Listing{
		Columns: []string{"deviceId", "QoS", "weightKg"}, Right: []bool{false, false, true},
		Rows:  [][]string{{"Device11", "enabled", "10"}, {"b", "", "3"}, {"a\x1b[31m\nc", `say "x", y`, "1000"}},
		Value: []map[string]any{{"deviceId": "Device11"}},
	}
	for _, c := range []struct{ format, want string }{
		{"table", "DEVICE ID     QOS         WEIGHT KG\n" +
			"Device11      enabled            10\n" +
			"b             -                   3\n" +
			"a\\x1b[31m\\nc  say \"x\", y       1000\n"},
		{"json", "[\n  {\n    \"deviceId\": \"Device11\"\n  }\n]\n"},
		{"csv", "deviceId,QoS,weightKg\r\nDevice11,enabled,10\r\nb,,3\r\n\"a\x1b[31m\r\nc\",\"say \"\"x\"\", y\",1000\r\n"},
	} {
		var b strings.Builder
		if err := l.Write(&b, c.format, reports.Options{}); err != nil {
			t.Fatal(err)
		}
		if b.String() != c.want {
			t.Errorf("as %s:\n%q\nwant\n%q", c.format, b.String(), c.want)
		}
	}
	if err := l.Write(&strings.Builder{}, "yaml", reports.Options{}); err == nil || err.Error() != `output "yaml": there is table, json, csv` {
		t.Errorf("as yaml: %v", err)
	}
}
