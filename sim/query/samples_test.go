package query_test

import (
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/sim/doc"
	"github.com/flotilla-sim/flotilla/sim/query"
)

func service(name string) string { return `{"name":"` + name + `","type":"service"}` }
func device(name string) string  { return `{"name":"` + name + `","type":"device"}` }
func deflt(name string) string   { return `{"name":"` + name + `","type":"default"}` }

func compare(property, op, value string) string {
	return `{"type":"comparison","property":` + property + `,"comparisonOperator":"` + op + `","value":` + value + `}`
}

func logical(op string, filters ...string) string {
	return `{"type":"logical","logicalOperator":"` + op + `","filters":[` + strings.Join(filters, ",") + `]}`
}

func where(filter string) string {
	return `{"project":null,"aggregate":null,"filter":` + filter + `,"sort":null}`
}

func sums(filter, op string) string {
	return `{"filter":` + filter + `,"aggregate":{"keys":[` + service("CustomerId") + `],"properties":[{"operator":"` + op +
		`","property":` + service("Weight") + `,"columnName":"TotalWeight"}]},"sort":[]}`
}

// TestSamples plays the queries of the preview's tutorials over its six
// devices. [Azure IoT Hub device management preview: queries, sample code]
func TestSamples(t *testing.T) {
	all := "11 21 31 41 51 61"
	for _, tt := range []struct {
		name, query, want string
	}{
		{"2 filter", where(compare(service("CustomerId"), "eq", `"123456"`)), "11 31"},
		{"3 sort", `{"sort":[{"order":"asc","property":` + service("QoS") + `}]}`, "51 21 31 41 61 11"},
		{"3 sort, one object", `{"sort":{"property":` + service("QoS") + `}}`, "51 21 31 41 61 11"},
		{"5 version", where(compare(device("FirmwareVersion"), "eq", `"1.0"`)), "11 31 51"},
		{"5 version, system", where(compare(`{"name":"FirmwareVersion","type":"system"}`, "eq", `"1.0"`)), "11 31 51"},
		{"5 not that version", where(compare(device("FirmwareVersion"), "ne", `"1.0"`)), "21 41 61"},
		{"6 projection", `{"project":{"all":false,"properties":[` + service("CustomerId") + `,` + service("Weight") + `]}}`, all},
		{"12 kinds do not mix", where(logical("and", compare(device("Manufacturer"), "gt", `"Contoso"`),
			logical("or", compare(device("FirmwareVersion"), "lt", "5"), compare(device("FirmwareVersion"), "gt", "1")))), ""},
		{"12 with strings", where(logical("and", compare(device("Manufacturer"), "gt", `"Contoso"`),
			logical("or", compare(device("FirmwareVersion"), "lt", `"5"`), compare(device("FirmwareVersion"), "gt", `"9"`)))), all},
		{"tags", where(compare(`{"name":"tags"}`, "all", `["bacon"]`)), "11 31 61"},
		{"tags, letter case of the name", where(compare(deflt("Tags"), "ALL", `["bacon","tomatoes"]`)), "31 61"},
		{"tags, letter case of the word", where(compare(deflt("tags"), "all", `["Bacon"]`)), ""},
		{"tags, all of none", where(compare(deflt("tags"), "all", `[]`)), all},
		{"everything", `{}`, all},
		{"everything, nulls", `{"project":null,"aggregate":null,"filter":null,"sort":null}`, all},
		{"everything, sort empty", `{"sort":[],"projection":"unknown members are passed over"}`, all},
		{"and of none", where(logical("and")), all},
		{"and of one", where(logical("and", compare(service("QoS"), "gte", "9"))), "11 61"},
		{"or of none", where(logical("or")), ""},
		{"not", where(logical("not", compare(service("QoS"), "gte", "9"))), "21 31 41 51"},
		{"lte", where(compare(service("QoS"), "lte", "3.0")), "21 51"},
		{"lt", where(compare(service("QoS"), "lt", "3.0")), "51"},
		{"gte", where(compare(service("QoS"), "gte", "90e-1")), "11 61"},
		{"gt", where(compare(service("QoS"), "gt", "90e-1")), "11"},
		{"in", where(compare(service("QoS"), "in", `[3,1.0,"9"]`)), "21 51"},
		{"nin", where(compare(service("QoS"), "nin", `[3,1.0,"9"]`)), "11 31 41 61"},
		{"words in any case", where(compare(deflt("Status"), "eq", `"Enabled"`)), all},
		{"strings in this case", where(compare(service("ServiceBy"), "eq", `"contoso"`)), ""},
		{"names of others in this case", where(compare(service("serviceby"), "ne", "null")), ""},
		{"all over", `{"Filter":{"TYPE":"Comparison","Property":{"NAME":"QoS","Type":"SERVICE"},"Value":1,"ComparisonOperator":"EQ"}}`, "51"},
		{"project all", `{"project":{"all":true,"properties":null}}`, all},
		{"sort desc", `{"sort":[{"order":"desc","property":` + service("ServiceBy") + `}]}`, "31 41 11 21 51 61"},
		{"sort by two", `{"sort":[{"order":"desc","property":` + service("ServiceBy") + `},{"order":"desc","property":{"name":"deviceid"}}]}`, "41 31 61 51 21 11"},
	} {
		q := mustObject(t, query.Devices, tt.query)
		check(t, tt.name, answer(q, query.Run(six, q)), devices(tt.want))
	}
}

func TestSampleAggregates(t *testing.T) {
	weights := []string{
		`CustomerId:"123456" TotalWeight:3000`, `CustomerId:"284721" TotalWeight:9000`,
		`CustomerId:"4829472" TotalWeight:100`, `CustomerId:"985362" TotalWeight:3050`}
	stray := append(rowsOf(`{"default":{"deviceId":"stray"},"service":{"Weight":"heavy"}}`), six...)
	for _, tt := range []struct {
		name  string
		rows  query.Rows[row]
		query string
		want  []string
	}{
		{"4 sum", six, sums(compare(service("CustomerId"), "ne", "null"), "sum"), weights},
		{"4 sum, others there", stray, sums(compare(service("CustomerId"), "ne", "null"), "sum"), weights},
		{"4b no filter", six, sums("null", "sum"), weights},
		{"4b no filter, others there", stray, sums("null", "sum"), append([]string{`CustomerId:null TotalWeight:0`}, weights...)},
		{"4c avg", six, sums(compare(service("CustomerId"), "ne", "null"), "avg"), []string{
			`CustomerId:"123456" TotalWeight:1500`, `CustomerId:"284721" TotalWeight:9000`,
			`CustomerId:"4829472" TotalWeight:100`, `CustomerId:"985362" TotalWeight:1525`}},
		{"avg of nothing", stray[:1], sums("null", "avg"), []string{`CustomerId:null TotalWeight:null`}},
		{"sorted by a column", six, strings.Replace(sums("null", "sum"), `"sort":[]`, `"sort":{"order":"desc","property":{"name":"TotalWeight","type":"aggregated"}}`, 1),
			[]string{weights[1], weights[3], weights[0], weights[2]}},
		{"13 by tags", six[2:4], `{"aggregate":{"keys":[{"name":"Tags","type":"default"}],"properties":[{"operator":"count","property":null,"columnName":"deviceCount"}]}}`,
			[]string{`Tags:["duck","oranges","potatoes","gravy"] deviceCount:1`, `Tags:["milk","cookies","sausage","bacon"] deviceCount:1`}},
		{"13 count of a property none has", six[2:4], `{"aggregate":{"keys":[{"name":"isManaged"}],"properties":[{"operator":"count","property":` + service("tags") + `,"columnName":"deviceCount"}]}}`,
			[]string{`isManaged:true deviceCount:0`}},
		{"min and max", six, `{"aggregate":{"keys":[` + service("ServiceBy") + `],"properties":[
			{"operator":"min","property":` + service("QoS") + `,"columnName":"least"},{"operator":"max","property":` + service("CustomerId") + `,"columnName":"last"}]}}`,
			[]string{`ServiceBy:"Contoso" least:1 last:"985362"`, `ServiceBy:"Fabrikam" least:4 last:"985362"`}},
		{"nothing to group", six[:0], sums("null", "sum"), []string{}},
	} {
		q := mustObject(t, query.Devices, tt.query)
		check(t, tt.name, answer(q, query.Run(tt.rows, q)), tt.want)
	}
}

func TestSampleJobs(t *testing.T) {
	everything := []string{"c11", "c21", "c31", "c41", "c51", "c61", "p", "r", "r1"}
	for _, tt := range []struct {
		name, query string
		want        []string
	}{
		{"7 running", where(compare(deflt("Status"), "eq", `"Running"`)), []string{"c21", "c51", "c61", "p"}},
		{"8 newest first", `{"sort":[{"order":"desc","property":` + deflt("StartTimeUtc") + `}]}`,
			[]string{"c41", "c51", "c31", "c61", "c11", "c21", "p", "r1", "r"}},
		{"9 children", where(compare(deflt("ParentJobId"), "eq", `"p"`)), everything[:6]},
		{"9 next page", where(logical("and", compare(deflt("ParentJobId"), "eq", `"p"`), compare(deflt("JobId"), "gt", `"c31"`))), everything[3:6]},
		{"10 per type", `{"aggregate":{"keys":[` + deflt("Type") + `],"properties":[{"operator":"count","property":` + deflt("Type") + `,"columnName":"JobCount"}]}}`,
			[]string{`Type:"firmwareUpdate" JobCount:7`, `Type:"rebootDevice" JobCount:2`}},
		{"11 everything", `{"project":null,"aggregate":null,"filter":null,"sort":null}`, everything},
		{"13 by tags", `{"aggregate":{"keys":[` + deflt("tags") + `],"properties":[{"operator":"count","columnName":"jobCount"}]}}`, []string{`tags:null jobCount:9`}},
		{"times, another offset", where(compare(deflt("startTimeUtc"), "lt", `"2016-05-01T12:00:00+02:00"`)), []string{"r", "r1"}},
		{"times, fewer digits", where(compare(deflt("startTimeUtc"), "eq", `"2016-05-01T10:00:00.0000000Z"`)), []string{"p"}},
		{"not a time", where(compare(deflt("startTimeUtc"), "gt", `"yesterday"`)), []string{}},
		{"parents", where(compare(deflt("parentJobId"), "eq", "null")), []string{"p", "r"}},
		{"parents, in", where(compare(deflt("parentJobId"), "in", "[null]")), []string{"p", "r"}},
		{"earliest", `{"aggregate":{"keys":[` + deflt("type") + `],"properties":[{"operator":"min","property":` + deflt("startTimeUtc") + `,"columnName":"first"}]},
			"sort":{"property":{"name":"first","type":"aggregated"}}}`,
			[]string{`type:"rebootDevice" first:"2016-05-01T11:30:00+02:00"`, `type:"firmwareUpdate" first:"2016-05-01T10:00:00Z"`}},
	} {
		q := mustObject(t, query.Jobs, tt.query)
		check(t, tt.name, answer(q, query.Run(seven, q)), tt.want)
	}
}

// Query 1 of the samples is an endpoint of its own.
func TestLabelled(t *testing.T) {
	q, err := query.Labelled([]string{"bacon"}, 100)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "bacon", answer(q, query.Run(six, q)), devices("11 31 61"))
	if q, err = query.Labelled([]string{"tomatoes", "bacon"}, 1); err != nil {
		t.Fatal(err)
	}
	check(t, "one with tomatoes and bacon", answer(q, query.Run(six, q)), devices("31"))
	for _, tt := range []struct {
		words []string
		top   int
		want  string
	}{
		{nil, 100, "query: tags: name at least one"},
		{[]string{"a", " "}, 100, "query: tags: one of them is blank"},
		{[]string{"a"}, 0, "query: top is 0, it must be 1 to 1000"},
		{[]string{"a"}, 1001, "query: top is 1001, it must be 1 to 1000"},
	} {
		if _, err := query.Labelled(tt.words, tt.top); err == nil || err.Error() != tt.want {
			t.Errorf("Labelled(%q, %d): %v; want %s", tt.words, tt.top, err, tt.want)
		}
	}
}

// A projection has the id first, whether it was asked for or not, and columns
// under the names they were asked for by.
func TestProjection(t *testing.T) {
	q := mustObject(t, query.Devices, `{"project":{"properties":[`+service("Weight")+`,{"name":"Tags"},{"name":"DEVICEID"},`+device("Nothing")+`]}}`)
	res := query.Run(six[:1], q)
	cells := q.Project(res.Rows[0])
	var got []string
	for i, c := range q.Columns {
		got = append(got, c.Name+"="+c.Path.Space.String()+"."+c.Path.Name+"="+cells[i].String())
	}
	check(t, "columns", got, []string{`deviceId=default.deviceId="Device61-7ce4a850"`, `Weight=service.Weight=9000`,
		`Tags=labels.=["bacon","lettuce","tomatoes","mayo"]`, `Nothing=device.Nothing=`})
	q = mustObject(t, query.Jobs, `{"project":{"properties":[{"name":"Status"}]}}`)
	if got, want := q.Columns[0].Name, "jobId"; got != want {
		t.Errorf("first column of a job is %s, want %s", got, want)
	}
}

// The answer has at most 100 rows, the first in order, whatever comes first.
func TestPageSize(t *testing.T) {
	var many query.Rows[row]
	for i := 999; i >= 0; i-- {
		many = append(many, row{doc.Object(doc.Member{Name: "default", Value: doc.Object(
			doc.Member{Name: "deviceId", Value: doc.String(string(rune('a'+i/100)) + string(rune('a'+i/10%10)) + string(rune('a'+i%10)))})})})
	}
	q := mustObject(t, query.Devices, `{}`)
	var all []string
	for page := 1; ; page++ {
		res := query.Run(many, q)
		if len(res.Rows) != 100 {
			t.Fatalf("page %d has %d rows, want 100", page, len(res.Rows))
		}
		all = append(all, idsOf(res.Rows)...)
		if res.Next.IsAbsent() {
			break
		}
		var err error
		if q, err = q.Resume(res.Next); err != nil {
			t.Fatal(err)
		}
	}
	if len(all) != 1000 || all[0] != "aaa" || all[999] != "jjj" {
		t.Errorf("%d rows from %s to %s, want 1000 from aaa to jjj", len(all), all[0], all[len(all)-1])
	}
}
