package query_test

import (
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/sim/query"
)

var gateways = rowsOf(
	`{"default":{"deviceId":"a","template":"dtmi:acme:gateway;1","provisioned":true,"simulated":false},"property":{"LightThreshold":55,"building":"North","fan":{"rpm":900}}}`,
	`{"default":{"deviceId":"B","template":"dtmi:acme:gateway;1","provisioned":false,"simulated":true},"property":{"LightThreshold":"55","building":"north","fan":{"rpm":1200.5}}}`,
	`{"default":{"deviceId":"c","template":"dtmi:acme:truck;2","provisioned":true,"simulated":true},"property":{"LightThreshold":null,"building":"So\"uth","path":"C:\\x"}}`,
	`{"default":{"deviceId":"d","provisioned":true,"simulated":false},"property":{"select":1}}`,
)

// [Azure IoT Central REST API: device groups, filter; query language of data
// explorer for the operators]
func TestFilter(t *testing.T) {
	for _, tt := range []struct{ filter, want string }{
		{`SELECT * FROM devices WHERE $template = "dtmi:acme:gateway;1" AND $provisioned = true`, "a"},
		{`SELECT * FROM devices`, "B a c d"},
		{"\tselect\n*from Devices\r\nwhere $Provisioned=TRUE ", "a c d"},
		{`SELECT * FROM devices WHERE $template <> 'dtmi:acme:gateway;1'`, "c"}, // d has none
		{`SELECT * FROM devices WHERE $id >= "b"`, "c d"},
		{`SELECT * FROM devices WHERE $id = 'B'`, "B"},
		{`SELECT * FROM devices WHERE $simulated != true`, "a d"},
		{`SELECT * FROM devices WHERE $simulated = "true"`, ""},
		{`SELECT * FROM dtmi:acme:gateway;1`, "B a"},
		{`SELECT * FROM dtmi:acme:gateway;1 WHERE fan.rpm > 900`, "B"},
		{`SELECT * FROM dtmi:acme:gateway;1 WHERE fan.rpm >= 900.0 OR building = "North"`, "B a"},
		{`SELECT * FROM dtmi:acme:truck;2 WHERE fan.rpm >= 900 OR building = "North"`, ""},
		{`SELECT * FROM dtmi:none;1`, ""},
		{`SELECT * FROM devices WHERE LightThreshold = 55`, "a"},
		{`SELECT * FROM devices WHERE LightThreshold = 5.5e1`, "a"},
		{`SELECT * FROM devices WHERE LightThreshold = "55"`, "B"},
		{`SELECT * FROM devices WHERE LightThreshold != 55`, "c"}, // B's is a string, c's is null, d has none
		{`SELECT * FROM devices WHERE LightThreshold < 56`, "a"},
		{`SELECT * FROM devices WHERE LightThreshold > -1`, "a"},
		{`SELECT * FROM devices WHERE building = 'North'`, "a"},
		{`SELECT * FROM devices WHERE building = 'So"uth'`, "c"},
		{`SELECT * FROM devices WHERE path = "C:\x"`, "c"},
		{`SELECT * FROM devices WHERE fan = "x"`, ""},
		{`SELECT * FROM devices WHERE fan != "x"`, "B a"},
		{`SELECT * FROM devices WHERE select = 1 and $id='d'`, "d"},
		{`SELECT * FROM devices WHERE building = "North" or building = "north" Or $id = "d"`, "B a d"},
	} {
		f, err := query.ParseFilter(tt.filter)
		if err != nil {
			t.Errorf("ParseFilter(%s): %v", tt.filter, err)
			continue
		}
		check(t, tt.filter, idsOf(query.Run(gateways, f.Query).Rows), strings.Fields(tt.want))
	}
}

func TestFilterErrors(t *testing.T) {
	const devices = `SELECT * FROM devices WHERE `
	for _, tt := range []struct{ filter, want string }{
		{``, `character 1: the filter ends; a filter begins with SELECT * FROM`},
		{`DELETE`, `character 1: "DELETE" is here; a filter begins with SELECT * FROM`},
		{`SELECT $id FROM devices`, `character 8: "$id" is here, want *: a device group selects whole devices, not columns or aggregates`},
		{`SELECT COUNT(*) FROM devices`, `character 8: "COUNT" is here, want *: a device group selects whole devices, not columns or aggregates`},
		{`SELECT * WHERE a = 1`, `character 10: "WHERE" is here, want FROM`},
		{`SELECT * FROM`, `character 14: the filter ends, want devices or the id of a device template`},
		{`SELECT * FROM trucks`, `character 15: "trucks" is neither devices nor the id of a device template, which begins with dtmi: and is not quoted`},
		{`SELECT * FROM "dtmi:a;1"`, `character 15: "\"dtmi:a;1\"" is neither devices nor the id of a device template, which begins with dtmi: and is not quoted`},
		{`SELECT * FROM devices ORDER BY $id`, `character 23: ORDER is not supported in the filter of a device group`},
		{`SELECT * FROM devices d`, `character 23: "d" is here, want WHERE`},
		{devices, `character 29: the filter ends, want the name of a property, or $id, $template, $provisioned, $simulated`},
		{devices + `($id = "a")`, `character 29: "(": parentheses and nested conditions are not supported in the filter of a device group`},
		{devices + `$id = ("a")`, `character 35: "(": parentheses and nested conditions are not supported in the filter of a device group`},
		{devices + `$id = "a")`, `character 38: ")": parentheses and nested conditions are not supported in the filter of a device group`},
		{devices + `$id = "a" AND a = 1 OR b = 2`, `character 49: OR after AND: a device group cannot nest conditions, join all by AND or all by OR`},
		{devices + `$id = "a" or a = 1 and b = 2`, `character 48: AND after OR: a device group cannot nest conditions, join all by AND or all by OR`},
		{devices + `$id IN ["a"]`, `character 33: IN is not supported in the filter of a device group, use = != < > <= >=`},
		{devices + `NOT a = 1`, `character 29: NOT is not supported in the filter of a device group, use !=`},
		{devices + `IS_DEFINED(a)`, `character 39: functions are not supported in the filter of a device group`},
		{devices + `a == 1`, `character 31: "==" is not an operator, write =`},
		{devices + `a = 1 && b = 2`, `character 35: "&&" is not supported, write AND or OR`},
		{devices + `a = 1 GROUP BY a`, `character 35: GROUP is not supported in the filter of a device group`},
		{devices + `a = 1 AND`, `character 38: the filter ends, want the name of a property, or $id, $template, $provisioned, $simulated`},
		{devices + `$Id2 = 1`, `character 29: "$Id2" is not known, there are $id, $template, $provisioned, $simulated`},
		{devices + `$ = 1`, `character 29: "$" is not known, there are $id, $template, $provisioned, $simulated`},
		{devices + `1 = a`, `character 29: "1" is here, want the name of a property, or $id, $template, $provisioned, $simulated`},
		{devices + `a = b`, `character 33: "b": write strings in quotes; names stand to the left of the operator`},
		{devices + `a = null`, `character 33: null is not supported in the filter of a device group`},
		{devices + `a.b.c = 1`, `character 32: a name has two parts at most: component and property`},
		{devices + `a.$id = 1`, `character 31: "$id" is here, want the name of a property of component "a"`},
		{devices + `a. = 1`, `character 32: "=" is here, want the name of a property of component "a"`},
		{devices + `a = 1.`, `character 33: "1." is not a number such as 5, -0.5 or 1e3; strings are written in quotes`},
		{devices + `a = 0x10`, `character 33: "0x10" is not a number such as 5, -0.5 or 1e3; strings are written in quotes`},
		{devices + `a = "x`, `character 33: the string that begins here has no closing "`},
		{devices + `a = "x\"y"`, `character 37: "y" is here, want AND or OR`},
		{devices + `"a" = 1`, `character 29: a string is here, want the name of a property, or $id, $template, $provisioned, $simulated`},
		{devices + `é = 1`, `character 29: "é" is here, want the name of a property, or $id, $template, $provisioned, $simulated`},
		{devices + `a = "é" )`, `character 37: ")": parentheses and nested conditions are not supported in the filter of a device group`},
		{devices + "a = \"\xff\"", `character 34: the filter is not valid UTF-8`},
		{devices + strings.Repeat("a = 1 AND ", 100) + "a = 1", `character 1029: a device group has at most 100 conditions`},
		{devices + strings.Repeat(" ", query.MaxFilter), `the filter has 32796 bytes, at most 32768 are allowed`},
	} {
		_, err := query.ParseFilter(tt.filter)
		if err == nil || err.Error() != "query: "+tt.want {
			t.Errorf("ParseFilter(%.80s):\n got %v\nwant query: %s", tt.filter, err, tt.want)
		}
	}
	if _, err := query.ParseFilter(devices + strings.Repeat("a = 1 AND ", 99) + "a = 1"); err != nil {
		t.Errorf("100 conditions: %v", err)
	}
}

func TestFilterStrict(t *testing.T) {
	for _, tt := range []struct{ filter, want string }{
		{`SELECT * FROM devices WHERE $template = "x"`, ""},
		{`SELECT * FROM dtmi:acme:gateway;1 WHERE a = 1`, ""},
		{`SELECT * FROM devices WHERE $id = "x" AND a = 1 AND b = 2`,
			`query: character 43: "a" is a property: write FROM and the id of its device template instead of FROM devices`},
	} {
		f, err := query.ParseFilter(tt.filter)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Strict(); err == nil && tt.want != "" || err != nil && err.Error() != tt.want {
			t.Errorf("Strict of %s: %v; want %s", tt.filter, err, tt.want)
		}
	}
}

func TestSelector(t *testing.T) {
	fleet := rowsOf(
		`{"default":{"deviceId":"van-1","status":"enabled"},"labels":["bacon","milk"],"device":{"FirmwareVersion":"1.0"},"tags":{"site":{"country":"FR"},"wave":1}}`,
		`{"default":{"deviceId":"van-2","status":"disabled"},"labels":["milk"],"device":{"FirmwareVersion":"2.0"},"tags":{"site":{"country":"IT"},"wave":"1"},"reported":{"on":true}}`,
		`{"default":{"deviceId":"van 3, (old)","status":"enabled"},"device":{"FirmwareVersion":2.0}}`,
	)
	for _, tt := range []struct{ selector, want string }{
		{`label=bacon`, "van-1"},
		{`label in (bacon, milk)`, "van-1|van-2"},
		{`label=bacon,label=milk`, "van-1"},
		{`label!=bacon`, "van 3, (old)|van-2"},
		{`label notin (bacon,milk)`, "van 3, (old)"},
		{`!label`, "van 3, (old)"},
		{`id in (van-2, "van 3, (old)" ,none)`, "van 3, (old)|van-2"},
		{`id == van-1`, "van-1"},
		{`firmwareVersion=1.0`, "van-1"},
		{`firmwareVersion=2.0`, "van 3, (old)|van-2"},
		{`firmwareVersion="2.0"`, "van-2"},
		{`device.FirmwareVersion!=2.0`, "van-1"},
		{`status=Enabled`, "van 3, (old)|van-1"},
		{`tags.site.country = FR`, "van-1"},
		{`tags.site.country != FR`, "van 3, (old)|van-2"},
		{`tags.site`, "van-1|van-2"},
		{` !tags.site , status = enabled `, "van 3, (old)"},
		{`tags.wave=1`, "van-1|van-2"},
		{`tags.wave='1'`, "van-2"},
		{`reported.on=true`, "van-2"},
		{`id=""`, ""},
	} {
		q, err := query.ParseSelector(tt.selector)
		if err != nil {
			t.Errorf("ParseSelector(%s): %v", tt.selector, err)
			continue
		}
		if got := strings.Join(idsOf(query.Run(fleet, q).Rows), "|"); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.selector, got, tt.want)
		}
	}
	const keys = `id, label, status, connectionState, firmwareVersion, tags.NAME, desired.NAME, reported.NAME, property.NAME, device.NAME or service.NAME`
	for _, tt := range []struct{ selector, want string }{
		{` `, `character 1: the selector is empty; leave it out to mean all devices`},
		{`colour=red`, `character 1: "colour" is no key, want ` + keys},
		{`id=a,`, `character 6: "" is no key, want ` + keys},
		{`tags..a=1`, `character 1: "tags..a" is no key, want ` + keys},
		{`id=`, `character 4: want a value; write an empty one as ""`},
		{`id is a`, `character 4: "is" after id, want =, !=, in (...), notin (...) or a comma`},
		{`id in a`, `character 7: want ( and values with commas between`},
		{`id in (a b)`, `character 10: want a comma and another value, or )`},
		{`id in ()`, `character 8: want a value; write an empty one as ""`},
		{`id="a`, `character 4: the string that begins here has no closing "`},
		{`id=a b`, `character 6: want a comma and another requirement, or the end`},
	} {
		if _, err := query.ParseSelector(tt.selector); err == nil || err.Error() != "query: "+tt.want {
			t.Errorf("ParseSelector(%s):\n got %v\nwant query: %s", tt.selector, err, tt.want)
		}
	}
}
