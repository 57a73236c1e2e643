package scenarios

import (
	"bytes"
	"encoding/json"
)

// schema is what a value may be, in the terms of JSON Schema. The same trees
// serve Schema (printed), and settings (walked by path).
type schema struct {
	help    string
	types   []string // "string", "number" ..., empty: anything
	words   []string // the only texts allowed
	pattern string
	min     string // of a number, as text
	max     string
	keys    []property // of an object; nil: not an object with known keys
	named   *schema    // of an object with free names
	items   *schema    // of a list
	either  []*schema
	open    bool // any JSON: settings may add what is not there
	name    string
}

// property is one key of an object.
type property struct {
	name   string
	must   bool
	schema *schema
}

// find returns the schema of a known key.
func (s *schema) find(name string) *schema {
	for _, p := range s.keys {
		if p.name == name {
			return p.schema
		}
	}
	return nil
}

// known returns the names of the keys.
func (s *schema) known() []string {
	names := make([]string, len(s.keys))
	for i, p := range s.keys {
		names[i] = p.name
	}
	return names
}

// object returns the alternative that is an object with known keys, or s.
func (s *schema) object() *schema {
	for _, e := range s.either {
		if e.keys != nil {
			return e
		}
	}
	return s
}

// Schema returns the JSON Schema (draft 2020-12) of scenario files, made from
// the tables that also read them. What goes beyond a schema (ids that exist,
// units of expectations) only Load checks.
func Schema() []byte {
	w := schemaWriter{defs: map[string]*schema{}}
	root := w.value(fileTable.schema, true)
	var out bytes.Buffer
	out.WriteString(`{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Flotilla scenario",`)
	out.Write(root[1 : len(root)-1])
	out.WriteString(`,"$defs":{`)
	for i := 0; i < len(w.order); i++ { // value adds to order while it runs
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(text2json(w.order[i]))
		out.WriteByte(':')
		out.Write(w.value(w.defs[w.order[i]], true))
	}
	out.WriteString("}}")
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, out.Bytes(), "", "  "); err != nil {
		panic("scenarios: the schema is not JSON: " + err.Error())
	}
	pretty.WriteByte('\n')
	return pretty.Bytes()
}

// schemaWriter writes schemas; those with a name become definitions.
type schemaWriter struct {
	defs  map[string]*schema
	order []string
}

// value returns the JSON of s: a reference for a named schema unless top.
func (w *schemaWriter) value(s *schema, top bool) []byte {
	if s.name != "" && !top {
		if w.defs[s.name] == nil {
			w.defs[s.name] = s
			w.order = append(w.order, s.name)
		}
		return []byte(`{"$ref":` + string(text2json("#/$defs/"+s.name)) + `}`)
	}
	var b bytes.Buffer
	b.WriteByte('{')
	member := func(name string, value []byte) {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.Write(text2json(name))
		b.WriteByte(':')
		b.Write(value)
	}
	if s.help != "" {
		member("description", text2json(s.help))
	}
	switch len(s.types) {
	case 0:
	case 1:
		member("type", text2json(s.types[0]))
	default:
		member("type", text2json(s.types))
	}
	if len(s.words) > 0 {
		member("enum", text2json(s.words))
	}
	if s.pattern != "" {
		member("pattern", text2json(s.pattern))
	}
	if s.min != "" {
		member("minimum", []byte(s.min))
	}
	if s.max != "" {
		member("maximum", []byte(s.max))
	}
	if s.items != nil {
		member("items", w.value(s.items, false))
	}
	if s.named != nil {
		member("additionalProperties", w.value(s.named, false))
	}
	if len(s.either) > 0 {
		var list bytes.Buffer
		for i, e := range s.either {
			if i > 0 {
				list.WriteByte(',')
			}
			list.Write(w.value(e, false))
		}
		member("anyOf", []byte("["+list.String()+"]"))
	}
	if s.keys != nil {
		var list bytes.Buffer
		var must []string
		for i, p := range s.keys {
			if i > 0 {
				list.WriteByte(',')
			}
			list.Write(text2json(p.name))
			list.WriteByte(':')
			list.Write(w.value(p.schema, false))
			if p.must {
				must = append(must, p.name)
			}
		}
		member("properties", []byte("{"+list.String()+"}"))
		member("additionalProperties", []byte("false"))
		if must != nil {
			member("required", text2json(must))
		}
	}
	b.WriteByte('}')
	return b.Bytes()
}

// text2json encodes a text or a list of texts, without HTML escapes.
func text2json(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("scenarios: " + err.Error())
	}
	return bytes.TrimSpace(b.Bytes())
}
