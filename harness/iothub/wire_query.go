package iothub

import (
	"encoding/json"

	"github.com/flotilla-sim/flotilla/sim/doc"
)

// QueryExpression is a query over devices or jobs; the zero value is
// everything. Which members go together is said at query.ParseObject.
type QueryExpression struct {
	Project   *Projection  `json:"project"`
	Aggregate *Aggregation `json:"aggregate"`
	Filter    *Filter      `json:"filter"`
	Sort      []Sort       `json:"sort"`
}

// QueryProperty names a property and where it is: default, device, service,
// or aggregated.
type QueryProperty struct {
	Name string `json:"name"`
	Type string `json:"type,omitempty"`
}

// Projection says which properties of the rows are wanted.
type Projection struct {
	All        bool            `json:"all"`
	Properties []QueryProperty `json:"properties"`
}

// Aggregation sums rows up that have the same keys.
type Aggregation struct {
	Keys       []QueryProperty       `json:"keys"`
	Properties []AggregationProperty `json:"properties"`
}

// AggregationProperty is one sum: operator is sum, avg, count, min or max;
// count does without a property.
type AggregationProperty struct {
	Operator   string         `json:"operator"`
	Property   *QueryProperty `json:"property"`
	ColumnName string         `json:"columnName"`
}

// Filter is a comparison (Property, Value, ComparisonOperator) or, with a
// LogicalOperator, a logical filter over Filters.
type Filter struct {
	Type               string         `json:"type"` // comparison or logical
	LogicalOperator    string         `json:"logicalOperator,omitempty"`
	Filters            []Filter       `json:"filters,omitempty"`
	Property           *QueryProperty `json:"property,omitempty"`
	Value              doc.Value      `json:"value,omitzero"`
	ComparisonOperator string         `json:"comparisonOperator,omitempty"`
}

// Sort orders the answer: asc or desc.
type Sort struct {
	Order    string        `json:"order"`
	Property QueryProperty `json:"property"`
}

// QueryResult is the answer to a query: rows, or what they sum up to; the
// other is null. A row is a Device or JobResponse, perhaps with a part of its
// members; an aggregate is an object of columns.
type QueryResult struct {
	Result          []json.RawMessage `json:"Result"`
	AggregateResult []json.RawMessage `json:"AggregateResult"`
}
