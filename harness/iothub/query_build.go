package iothub

import (
	"encoding/json"
	"fmt"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// The place of a query's property. [Azure IoT Hub device management preview:
// "Find devices with queries"]
const (
	InDefault    = "default"    // of the device or job itself: deviceId, tags, status, ...
	InDevice     = "device"     // what the device reports: FirmwareVersion, ...
	InService    = "service"    // a service property
	InAggregated = "aggregated" // a column of the aggregate
)

// Compare compares a property. The operators are eq, ne, gt, gte, lt, lte, in,
// nin and all; a null is no value, so `ne` null finds what has one.
func Compare(where, name, operator string, value doc.Value) Filter {
	return Filter{Type: "comparison", Property: &QueryProperty{Name: name, Type: where}, Value: value, ComparisonOperator: operator}
}

// And finds what all filters find.
func And(filters ...Filter) Filter {
	return Filter{Type: "logical", LogicalOperator: "and", Filters: filters}
}

// Or finds what one of the filters finds.
func Or(filters ...Filter) Filter {
	return Filter{Type: "logical", LogicalOperator: "or", Filters: filters}
}

// Not finds what the filter does not find.
func Not(filter Filter) Filter {
	return Filter{Type: "logical", LogicalOperator: "not", Filters: []Filter{filter}}
}

// Devices reads the rows of a query over devices, which have all or a part of
// their members.
func (r *QueryResult) Devices() ([]Device, error) { return rowsAs[Device](r.Result) }

// Jobs reads the rows of a query over jobs.
func (r *QueryResult) Jobs() ([]JobResponse, error) { return rowsAs[JobResponse](r.Result) }

func rowsAs[T any](rows []json.RawMessage) ([]T, error) {
	list := make([]T, len(rows))
	for i, row := range rows {
		if err := json.Unmarshal(row, &list[i]); err != nil {
			return nil, fmt.Errorf("row %d of the answer is not what it should be: %w", i, err)
		}
	}
	return list, nil
}

// Groups reads the rows of a query with an aggregate: objects, a member a
// column.
func (r *QueryResult) Groups() ([]doc.Value, error) {
	list := make([]doc.Value, len(r.AggregateResult))
	for i, row := range r.AggregateResult {
		var err error
		if list[i], err = doc.Parse(row); err == nil && list[i].Kind() != doc.KindObject {
			err = fmt.Errorf("is no object")
		}
		if err != nil {
			return nil, fmt.Errorf("row %d of the answer: %w", i, err)
		}
	}
	return list, nil
}

// everything walks a query page by page, in order of the rows' ids: the
// preview answers 100 rows at most. id is the name of that property; page runs
// the query and says how many rows there were and the last one's id.
func everything(filter *Filter, id string, page func(QueryExpression) (rows int, last string, err error)) error {
	q := QueryExpression{Filter: filter}
	for total := 0; total < maxRows; {
		rows, last, err := page(q)
		if err != nil || rows < maxQueryPage {
			return err
		}
		total += rows
		next := Compare(InDefault, id, "gt", doc.String(last))
		if filter != nil {
			next = And(*filter, next)
		}
		q.Filter = &next
	}
	return fmt.Errorf("the hub has more than %d rows", maxRows)
}

// The bounds of a walk.
const (
	maxQueryPage = 100
	maxRows      = 2_000_000
)
