package iothub

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// JobColumns are the columns of JobRow.
var JobColumns = []string{"jobId", "deviceId", "type", "status", "startTimeUtc", "endTimeUtc", "message", "parentJobId"}

// JobRow is a job as a row of a table. The message is why it failed, or else
// what it says of itself.
func JobRow(j *JobResponse) []string {
	message := j.FailureReason
	if message == "" || j.ParentJobID == "" && j.StatusMessage != "" { // a parent's counts say more
		message = j.StatusMessage
	}
	return []string{j.JobID, j.DeviceID, j.Type, j.Status, clockText(j.StartTimeUTC), clockText(j.EndTimeUTC), message, j.ParentJobID}
}

// clockText is a time for people: to the millisecond.
func clockText(t *Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// DeviceColumns are the columns of DeviceRow.
var DeviceColumns = []string{"deviceId", "status", "connectionState", "managed", "firmwareVersion", "tags", "serviceProperties"}

// DeviceRow is a device as a row of a table.
func DeviceRow(d *Device) []string {
	managed := ""
	if d.IsManaged != nil {
		managed = fmt.Sprint(*d.IsManaged)
	}
	row := []string{d.DeviceID, d.Status, d.ConnectionState, managed, words(d.DeviceProperties["FirmwareVersion"].Value), "", ""}
	if s := d.ServiceProperties; s != nil {
		row[5] = strings.Join(s.Tags, " ")
		var parts []string
		for name, v := range s.Properties.Members() {
			parts = append(parts, name+"="+words(v))
		}
		row[6] = strings.Join(parts, " ")
	}
	return row
}

// words writes a value for people: a text without quotes.
func words(v doc.Value) string {
	switch v.Kind() {
	case doc.KindAbsent, doc.KindNull:
		return ""
	case doc.KindString:
		return v.Text()
	}
	return string(v.JSON())
}

// Table lays the answer to a query out: for an aggregate its keys and columns,
// for a projection the id and what it names; nil columns for whole rows, which
// JobRow and DeviceRow know.
func (r *QueryResult) Table(q QueryExpression, id string) (columns []string, rows [][]string, err error) {
	var want []QueryProperty
	list := r.Result
	switch {
	case r.AggregateResult != nil:
		list = r.AggregateResult
		if q.Aggregate != nil {
			for _, k := range q.Aggregate.Keys {
				want = append(want, QueryProperty{Name: k.Name})
			}
			for _, a := range q.Aggregate.Properties {
				want = append(want, QueryProperty{Name: a.ColumnName})
			}
		}
	case q.Project != nil && !q.Project.All:
		want = append(want, QueryProperty{Name: id})
		for _, p := range q.Project.Properties {
			if !strings.EqualFold(p.Name, id) {
				want = append(want, p)
			}
		}
	default:
		return nil, nil, nil
	}
	for _, p := range want {
		columns = append(columns, p.Name)
	}
	rows = [][]string{}
	for i, raw := range list {
		var v doc.Value
		if err := json.Unmarshal(raw, &v); err != nil || v.Kind() != doc.KindObject {
			return nil, nil, fmt.Errorf("row %d of the answer is no object", i)
		}
		row := make([]string, len(want))
		for k, p := range want {
			row[k] = words(lookUp(v, p))
		}
		rows = append(rows, row)
	}
	return columns, rows, nil
}

// lookUp finds a property in a row as the wire nests it.
func lookUp(row doc.Value, p QueryProperty) doc.Value {
	switch strings.ToLower(p.Type) {
	case InService, "custom":
		return row.Path("serviceProperties", "properties", p.Name)
	case InDevice, "system":
		return row.Path("deviceProperties", p.Name, "value")
	}
	if strings.EqualFold(p.Name, "tags") {
		if tags := row.Path("serviceProperties", "tags"); tags.Kind() == doc.KindArray {
			return tags
		}
	}
	if v := row.Get(p.Name); !v.IsAbsent() {
		return v
	}
	for name, v := range row.Members() {
		if strings.EqualFold(name, p.Name) {
			return v
		}
	}
	return doc.Value{}
}

// SortJobs puts parents first, newest first, each followed by its parts in
// order of their devices.
func SortJobs(list []JobResponse) {
	type place struct {
		parent  string
		started int64
	}
	at := make(map[string]place, len(list))
	for i := range list {
		j := &list[i]
		if j.ParentJobID == "" && j.StartTimeUTC != nil {
			at[j.JobID] = place{j.JobID, j.StartTimeUTC.UnixNano()}
		}
	}
	of := func(j *JobResponse) place {
		id := j.ParentJobID
		if id == "" {
			id = j.JobID
		}
		if p, ok := at[id]; ok {
			return p
		}
		return place{id, 0}
	}
	slices.SortStableFunc(list, func(a, b JobResponse) int {
		p, q := of(&a), of(&b)
		switch {
		case p.started != q.started:
			return map[bool]int{true: -1, false: 1}[p.started > q.started]
		case p.parent != q.parent:
			return strings.Compare(p.parent, q.parent)
		case (a.ParentJobID == "") != (b.ParentJobID == ""):
			return map[bool]int{true: -1, false: 1}[a.ParentJobID == ""]
		}
		return strings.Compare(a.DeviceID, b.DeviceID)
	})
}

// CountsPerType is the query that counts jobs by their type.
var CountsPerType = QueryExpression{Aggregate: &Aggregation{
	Keys:       []QueryProperty{{"Type", InDefault}},
	Properties: []AggregationProperty{{Operator: "count", Property: &QueryProperty{"Type", InDefault}, ColumnName: "JobCount"}},
}}

// PropertyRows lists a device's properties by name.
func PropertyRows(d *Device) (columns []string, rows [][]string) {
	for _, name := range slices.Sorted(maps.Keys(d.DeviceProperties)) {
		p := d.DeviceProperties[name]
		rows = append(rows, []string{name, words(p.Value), clockText(p.LastUpdatedTime)})
	}
	return []string{"property", "value", "lastUpdatedTime"}, rows
}

// ServiceRows is what the service keeps of a device, as one row.
func ServiceRows(id string, s *ServiceProperties) (columns []string, rows [][]string) {
	row := DeviceRow(&Device{DeviceID: id, ServiceProperties: s})
	return []string{"deviceId", "tags", "serviceProperties", "etag"}, [][]string{{id, row[5], row[6], s.ETag}}
}
