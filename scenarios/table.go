package scenarios

// kind is one way to write a value: what the schema says of it and how it is
// read. read complains itself when it returns false.
type kind[V any] struct {
	schema *schema
	read   func(r *reader, n *node) (V, bool)
}

// key is one row of a table: a key of a map that is read into a T.
type key[T any] struct {
	name   string
	must   bool
	schema *schema
	read   func(r *reader, n *node, into *T)
}

// field makes the row of a key whose value goes to one place of T.
func field[T, V any](name, help string, k kind[V], place func(*T) *V) key[T] {
	return each(name, help, k, func(into *T, v V) { *place(into) = v })
}

// each makes the row of a key whose value is put by a function.
func each[T, V any](name, help string, k kind[V], put func(*T, V)) key[T] {
	return key[T]{name: name, schema: documented(k.schema, help), read: func(r *reader, n *node, into *T) {
		if v, ok := k.read(r, n); ok {
			put(into, v)
		}
	}}
}

// required makes a key one that has to be there.
func required[T any](k key[T]) key[T] {
	k.must = true
	return k
}

// documented returns s with the help of the key it is used for.
func documented(s *schema, help string) *schema {
	if help == "" {
		return s
	}
	if s.name != "" {
		return &schema{help: help, either: []*schema{s}}
	}
	c := *s
	if c.help != "" {
		help += " (" + c.help + ")"
	}
	c.help = help
	return &c
}

// table is how a map with known keys is read into a T. Keys are read in order
// of the table, whatever their order in the file: a row may build on those
// above it.
type table[T any] struct {
	what   string // for messages: "a group"
	keys   []key[T]
	schema *schema
}

// newTable makes a table; name is its definition in the schema.
func newTable[T any](name, what string, keys []key[T]) *table[T] {
	s := &schema{name: name, types: []string{"object"}, keys: []property{}}
	for _, k := range keys {
		s.keys = append(s.keys, property{k.name, k.must, k.schema})
	}
	return &table[T]{what: what, keys: keys, schema: s}
}

// kind is the table as the way to write one value.
func (t *table[T]) kind() kind[T] {
	return kind[T]{schema: t.schema, read: func(r *reader, n *node) (T, bool) {
		var v T
		ok := t.read(r, n, &v)
		return v, ok
	}}
}

// read reads a map; it returns false when n is none.
func (t *table[T]) read(r *reader, n *node, into *T) bool {
	if n.kind != mapNode {
		r.complain(n.at, "known keys: "+joined(t.schema.known(), 8), "%s must be a map of keys, is %s", t.what, n.describe())
		return false
	}
	for _, m := range n.members {
		if t.schema.find(m.name) != nil {
			continue
		}
		if r.full() {
			r.more++ // without looking for what is near it
		} else {
			r.complain(m.at, didYouMean(m.name, t.schema.known()), "unknown key %s in %s", quote(m.name), t.what)
		}
	}
	for _, k := range t.keys {
		switch v := n.get(k.name); {
		case v == nil && k.must:
			r.complain(n.at, "", "%s needs the key %q", t.what, k.name)
		case v == nil:
		case v.kind == nullNode:
			r.complain(v.at, "write one or leave the key out", "%q has no value", k.name)
		default:
			k.read(r, v, into)
		}
	}
	return true
}

// placed is a value and where it stands.
type placed[V any] struct {
	v  V
	at spot
	ok bool // it was there
}

// where makes the way to write a value into one that keeps its place.
func where[V any](k kind[V]) kind[placed[V]] {
	return kind[placed[V]]{schema: k.schema, read: func(r *reader, n *node) (placed[V], bool) {
		v, ok := k.read(r, n)
		return placed[V]{v, n.at, ok}, ok
	}}
}

// tried is as where, for a value that is there also when it cannot be read: what
// is wrong with it has been said then, and no more is to be said of it.
func tried[V any](k kind[V]) kind[placed[V]] {
	return kind[placed[V]]{schema: k.schema, read: func(r *reader, n *node) (placed[V], bool) {
		v, _ := k.read(r, n)
		return placed[V]{v, n.at, true}, true
	}}
}

// named is one member of a map with free names.
type named[V any] struct {
	name string
	at   spot  // of the name
	node *node // of the value
	v    V
}

// mapOf is a map from free names to values, in order of the file. check looks
// at a name and returns what is wrong with it, or "".
func mapOf[V any](what string, k kind[V], check func(string) string) kind[[]named[V]] {
	return kind[[]named[V]]{
		schema: &schema{types: []string{"object"}, named: k.schema},
		read: func(r *reader, n *node) ([]named[V], bool) {
			if n.kind != mapNode {
				r.complain(n.at, "", "%s must be a map of names, is %s", what, n.describe())
				return nil, false
			}
			var all []named[V]
			for _, m := range n.members {
				if check != nil {
					if wrong := check(m.name); wrong != "" {
						r.complain(m.at, "", "%s: %s", quote(m.name), wrong)
						continue
					}
				}
				if v, ok := k.read(r, m.value); ok {
					all = append(all, named[V]{m.name, m.at, m.value, v})
				}
			}
			return all, true
		},
	}
}

// listOf is a list of values.
func listOf[V any](what string, k kind[V]) kind[[]V] {
	return kind[[]V]{
		schema: &schema{types: []string{"array"}, items: k.schema},
		read: func(r *reader, n *node) ([]V, bool) {
			if n.kind != listNode {
				r.complain(n.at, "write `[...]` or lines that begin with `- `", "%s must be a list, is %s", what, n.describe())
				return nil, false
			}
			all := make([]V, 0, len(n.items))
			for _, i := range n.items {
				if v, ok := k.read(r, i); ok {
					all = append(all, v)
				}
			}
			return all, true
		},
	}
}
