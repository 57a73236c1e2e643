package query_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/sim/query"
)

// Every rule on query objects, broken once. [Azure IoT Hub device management
// preview: device queries, rules of the query expression]
func TestObjectErrors(t *testing.T) {
	qos := service("QoS")
	key := `"keys":[` + service("A") + `]`
	count := func(member string) string {
		return `{"aggregate":{` + key + `,"properties":[{"operator":"count","columnName":"n"` + member + `}]}}`
	}
	for _, tt := range []struct{ query, want string }{
		{``, `not JSON: offset 0: the text ends, want a value`},
		{`{"filter":`, `not JSON: offset 10: the text ends, want a value`},
		{`[]`, `$: is of type array, want an object`},
		{`null`, `$: is null, want an object`},
		{`{"project":{"all":true},"aggregate":{}}`, `$.aggregate: project and aggregate exclude each other, leave one out`},
		{`{"project":[]}`, `$.project: is of type array, want an object`},
		{`{"project":{}}`, `$.project.properties: is missing, want an array`},
		{`{"project":{"all":"yes"}}`, `$.project.all: is "yes", want true or false`},
		{`{"project":{"all":false,"properties":[]}}`, `$.project.properties: is empty, want at least one element`},
		{`{"project":{"properties":[null]}}`, `$.project.properties[0]: is null, want an object`},
		{`{"project":{"properties":["QoS"]}}`, `$.project.properties[0]: is "QoS", want an object`},
		{`{"project":{"properties":[{"name":"Status"}]}}`, `$.project.properties[0].name: "Status" cannot be projected; of the default properties, a filter and sort may have any, a projection deviceId, tags alone`},
		{`{"project":{"properties":[{"name":"QoS","type":"aggregated"}]}}`, `$.project.properties[0].type: aggregated columns can be sorted by, and nothing else`},
		{`{"aggregate":{"properties":[]}}`, `$.aggregate.keys: is missing, want an array`},
		{`{"aggregate":{"keys":[],"properties":[]}}`, `$.aggregate.keys: is empty, want at least one element`},
		{`{"aggregate":{` + key + `}}`, `$.aggregate.properties: is missing, want an array`},
		{`{"aggregate":{` + key + `,"properties":[]}}`, `$.aggregate.properties: is empty, want at least one element`},
		{`{"aggregate":{` + key + `,"properties":[null]}}`, `$.aggregate.properties[0]: is null, want an object`},
		{`{"aggregate":{` + key + `,"properties":[{"operator":"sum","columnName":"n"}]}}`, `$.aggregate.properties[0].property: is missing; count alone does without`},
		{`{"aggregate":{` + key + `,"properties":[{"operator":"median","columnName":"n"}]}}`, `$.aggregate.properties[0].operator: is "median", want one of count, sum, avg, min, max`},
		{`{"aggregate":{` + key + `,"properties":[{"operator":"count"}]}}`, `$.aggregate.properties[0].columnName: is missing, want a name`},
		{`{"aggregate":{` + key + `,"properties":[{"operator":"count","columnName":" "}]}}`, `$.aggregate.properties[0].columnName: is blank, want a name`},
		{`{"aggregate":{` + key + `,"properties":[{"operator":"count","columnName":"$n"}]}}`, `$.aggregate.properties[0].columnName: is "$n", a name must not contain $`},
		{`{"aggregate":{` + key + `,"properties":[{"operator":"count","columnName":"A"}]}}`, `$.aggregate.properties[0].columnName: "A" is used twice, the columns of the answer need different names`},
		{`{"aggregate":{"keys":[` + service("A") + `,` + device("A") + `],"properties":[]}}`, `$.aggregate.keys[1].name: "A" is used twice, the columns of the answer need different names`},
		{count(`,"property":{"name":"n","type":"aggregated"}`), `$.aggregate.properties[0].property.type: aggregated columns can be sorted by, and nothing else`},
		{where(`[]`), `$.filter: is of type array, want an object`},
		{where(`{"property":` + qos + `}`), `$.filter.type: is missing, want logical or comparison`},
		{where(`{"type":1}`), `$.filter.type: is of type number, want logical or comparison`},
		{where(`{"type":"logical"}`), `$.filter.logicalOperator: is missing, want one of and, or, not`},
		{where(`{"type":"Logical","logicalOperator":"xor"}`), `$.filter.logicalOperator: is "xor", want one of and, or, not`},
		{where(`{"type":"logical","logicalOperator":"and","filters":{}}`), `$.filter.filters: is of type object, want an array`},
		{where(logical("and", compare(qos, "eq", "1"), "null")), `$.filter.filters[1]: is null, want an object`},
		{where(logical("not")), `$.filter.filters: not takes exactly one filter, here are 0`},
		{where(logical("not", compare(qos, "eq", "1"), compare(qos, "eq", "1"))), `$.filter.filters: not takes exactly one filter, here are 2`},
		{where(logical("or", logical("and", compare(qos, "is", "1")))), `$.filter.filters[0].filters[0].comparisonOperator: is "is", want one of eq, ne, lt, lte, gt, gte, in, nin, all`},
		{where(`{"type":"anything"}`), `$.filter.property: is missing, want an object`},
		{where(compare(`{"type":"service"}`, "eq", "1")), `$.filter.property.name: is missing, want a name`},
		{where(compare(`{"name":7}`, "eq", "1")), `$.filter.property.name: is of type number, want a name`},
		{where(compare(`{"name":"\t"}`, "eq", "1")), `$.filter.property.name: is blank, want a name`},
		{where(compare(`{"name":"a$b"}`, "eq", "1")), `$.filter.property.name: is "a$b", a name must not contain $`},
		{where(compare(`{"name":"a","type":"twin"}`, "eq", "1")), `$.filter.property.type: is "twin", want one of default, device, service, aggregated, system, custom`},
		{where(compare(`{"name":"a","type":"aggregated"}`, "eq", "1")), `$.filter.property.type: aggregated columns can be sorted by, and nothing else`},
		{where(`{"type":"comparison","property":` + qos + `,"value":1}`), `$.filter.comparisonOperator: is missing, want one of eq, ne, lt, lte, gt, gte, in, nin, all`},
		{where(compare(qos, "in", "1")), `$.filter.value: is of type number, in wants an array`},
		{where(compare(qos, "Nin", "null")), `$.filter.value: is missing, Nin wants an array`},
		{where(compare(deflt("tags"), "eq", `"bacon"`)), `$.filter.comparisonOperator: is "eq", tags can be compared with all alone`},
		{where(compare(deflt("TAGS"), "in", `["bacon"]`)), `$.filter.comparisonOperator: is "in", tags can be compared with all alone`},
		{where(compare(deflt("tags"), "all", `"bacon"`)), `$.filter.value: is "bacon", all wants an array`},
		{`{"sort":"QoS"}`, `$.sort: is "QoS", want an array`},
		{`{"sort":[null]}`, `$.sort[0]: is null, want an object`},
		{`{"sort":[{"property":` + qos + `},{"order":"up","property":` + qos + `}]}`, `$.sort[1].order: is "up", want one of asc, desc`},
		{`{"sort":{"order":"asc"}}`, `$.sort.property: is missing, want an object`},
		{`{"sort":{"property":{"name":"n","type":"aggregated"}}}`, `$.sort.property.type: there is nothing aggregated without aggregate`},
		{strings.TrimSuffix(count(""), "}") + `,"sort":[{"property":{"name":"m","type":"aggregated"}}]}`, `$.sort[0].property.name: "m" is neither a key of aggregate nor, as type aggregated, one of its columns`},
		{strings.TrimSuffix(count(""), "}") + `,"sort":[{"property":` + qos + `}]}`, `$.sort[0].property.name: "QoS" is neither a key of aggregate nor, as type aggregated, one of its columns`},
		{where(logical("and", strings.Split(strings.Repeat(compare(qos, "eq", "1")+"\n", 1001), "\n")[:1001]...)), `$.filter.filters: the query has more than 1000 filters`},
		{where(compare(qos, "in", "[1"+strings.Repeat(",1", 10_000)+"]")), `$.filter.value: the query has more than 10000 values in its lists`},
		{where(strings.Repeat(`{"type":"logical","logicalOperator":"not","filters":[`, 40)), `not JSON: offset 1737: nested too deeply`},
	} {
		_, err := query.ParseObject(query.Devices, []byte(tt.query))
		if err == nil || err.Error() != "query: "+tt.want {
			t.Errorf("ParseObject(%.120s):\n got %v\nwant query: %s", tt.query, err, tt.want)
		}
	}
}

// Of a job, everything can be projected.
func TestObjectProjectsJobs(t *testing.T) {
	mustObject(t, query.Jobs, `{"project":{"properties":[{"name":"Status"},{"name":"failureReason"},{"name":"parentjobid"}]}}`)
	if _, err := query.ParseObject(query.Jobs, []byte(`{"project":{"properties":[{"name":"isManaged"}]}}`)); err == nil {
		t.Error("isManaged of a job can be projected, want an error")
	}
}

func ExampleParseObject() {
	q, err := query.ParseObject(query.Devices, []byte(`{
		"filter": {"type": "comparison", "comparisonOperator": "eq", "value": "123456",
			"property": {"name": "CustomerId", "type": "service"}},
		"sort": [{"order": "desc", "property": {"name": "Weight", "type": "service"}}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range query.Run(six, q).Rows {
		fmt.Println(r.Field(query.Default, "deviceId"), r.Field(query.Service, "Weight"))
	}
	// Output:
	// "Device31-7ce4a850" 2000
	// "Device11-7ce4a850" 1000
}
