package scenarios

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// setting is one `path=value` laid over a scenario. The path leads through
// keys, names of groups and packages, ids (of jobs, of devices) and places in
// a list from 0, joined by dots; the value is YAML.
//
//	groups.fleet.count=100
//	groups.six.devices.Device11-7ce4a850.flash=3s
//	jobs.fw.timeout=5m
//
// A key the tables know may be set though the file does not have it; a group,
// package, job or device must be in the file.
type setting struct {
	r    *reader
	all  string
	text *text
}

// set lays settings over a scenario, in order, and returns the result; what
// aliases share is not changed for others.
func (r *reader) set(root *node, sets []string) *node {
	for _, s := range sets {
		p := setting{r: r, all: s, text: newText("--set", s)}
		if !utf8.ValidString(s) || strings.ContainsAny(s, "\n\r") || len(s) > maxLine {
			r.complain(spot{text: &text{name: "--set"}}, "", "a setting must be one line of text")
			continue
		}
		if n, ok := p.lay(root, fileTable.schema, 0, 0); ok {
			root = n
		}
	}
	return root
}

// befall adds faults to a scenario, behind its own.
func (r *reader) befall(root *node, faults []string) *node {
	made := *root
	made.members = append([]member(nil), root.members...)
	place := -1
	for i := range made.members {
		if made.members[i].name == "faults" {
			place = i
		}
	}
	list := &node{kind: listNode}
	if place >= 0 {
		old := made.members[place].value
		if old.kind != listNode {
			return root // what is wrong with it is said when it is read
		}
		list.at, list.items = old.at, append(list.items, old.items...)
	} else {
		place = len(made.members)
		made.members = append(made.members, member{name: "faults"})
	}
	for _, f := range faults {
		at := spot{text: newText("--fault", f), line: 1, column: 1, width: max(1, utf8.RuneCountInString(f))}
		if !utf8.ValidString(f) || strings.ContainsAny(f, "\n\r") || len(f) > maxLine {
			r.complain(spot{text: &text{name: "--fault"}}, shortForm, "a fault must be one line of text")
			continue
		}
		if list.at.text == nil {
			list.at, made.members[place].at = at, at
		}
		list.items = append(list.items, &node{kind: textNode, text: f, at: at})
	}
	made.members[place].value = list
	return &made
}

// spot is a part of the setting's text, from byte to byte.
func (p *setting) spot(from, to int) spot {
	return spot{text: p.text, line: 1, column: utf8.RuneCountInString(p.all[:from]) + 1, width: max(1, utf8.RuneCountInString(p.all[from:to]))}
}

// word returns the end of the word of the path that begins at from.
func (p *setting) word(from int) int {
	if i := strings.IndexAny(p.all[from:], ".="); i >= 0 {
		return from + i
	}
	return len(p.all)
}

// ends says whether the path has a word that ends at i.
func (p *setting) ends(i int) bool {
	return i == len(p.all) || p.all[i] == '.' || p.all[i] == '='
}

// lay returns a copy of n (nil: nothing there yet) in which the rest of the
// path, from byte from on, has the value.
func (p *setting) lay(n *node, s *schema, from, depth int) (*node, bool) {
	for len(s.either) > 0 {
		s = choose(s, n)
	}
	if depth > maxDepth {
		p.r.complain(p.spot(from, len(p.all)), "", "the path is longer than %d words", maxDepth)
		return nil, false
	}
	switch {
	case s.keys != nil:
		end := p.word(from)
		name := p.all[from:end]
		inner := s.find(name)
		if inner == nil {
			p.r.complain(p.spot(from, end), didYouMean(name, s.known()), "unknown key %s", quote(name))
			return nil, false
		}
		return p.member(n, name, inner, from, end, depth)
	case s.items != nil:
		return p.item(n, s.items, from, depth)
	case s.named != nil || s.open && n != nil && n.kind == mapNode:
		inner := s.named
		if inner == nil {
			inner = s
		}
		name, end := "", -1
		var names []string
		if n != nil {
			for _, m := range n.members {
				names = append(names, m.name)
				if at := from + len(m.name); strings.HasPrefix(p.all[from:], m.name) && p.ends(at) && at > end {
					name, end = m.name, at
				}
			}
		}
		if end < 0 {
			end = p.word(from)
			name = p.all[from:end]
			if !s.open && inner.name != "" || name == "" { // a group or package: a slip, not a new one
				p.r.complain(p.spot(from, end), didYouMean(name, names), "%s is not in the scenario", quote(name))
				return nil, false
			}
		}
		return p.member(n, name, inner, from, end, depth)
	}
	p.r.complain(p.spot(from, p.word(from)), "", "%s is a single value, nothing can be set in it", quote(strings.TrimSuffix(p.all[:from], ".")))
	return nil, false
}

// choose picks the alternative that fits what is there, or the richest.
func choose(s *schema, n *node) *schema {
	for _, e := range s.either {
		if n != nil && (n.kind == mapNode && (e.keys != nil || e.named != nil) || n.kind == listNode && e.items != nil) {
			return e
		}
	}
	if len(s.either) == 1 {
		return s.either[0]
	}
	if o := s.object(); o != s {
		return o
	}
	return s.either[0]
}

// member goes on with one key of a map.
func (p *setting) member(n *node, name string, s *schema, from, end, depth int) (*node, bool) {
	made := node{kind: mapNode, at: p.spot(from, end)}
	place := -1
	if n != nil {
		if n.kind == mapNode {
			made.members = append(made.members, n.members...)
		}
		made.at = n.at
	}
	for i := range made.members {
		if made.members[i].name == name {
			place = i
		}
	}
	var old *node
	if place >= 0 {
		old = made.members[place].value
	}
	v, ok := p.value(old, s, end, depth)
	if !ok {
		return nil, false
	}
	if place < 0 {
		made.members = append(made.members, member{name: name, at: p.spot(from, end), value: v})
	} else {
		made.members[place].value = v
	}
	return &made, true
}

// item goes on with one element of a list: by the id it has, the text it is or
// its place.
func (p *setting) item(n *node, s *schema, from, depth int) (*node, bool) {
	place, end := -1, -1
	var names []string
	if n != nil && n.kind == listNode {
		for i, item := range n.items {
			name := item.text
			if item.kind == mapNode {
				name = ""
				if id := item.get("id"); id != nil {
					name = id.text
				}
			}
			if name == "" {
				continue
			}
			names = append(names, name)
			if at := from + len(name); strings.HasPrefix(p.all[from:], name) && p.ends(at) && at > end {
				place, end = i, at
			}
		}
	}
	if place < 0 {
		end = p.word(from)
		i, err := strconv.Atoi(p.all[from:end])
		if err != nil || n == nil || i < 0 || i >= len(n.items) {
			count := 0
			if n != nil {
				count = len(n.items)
			}
			hint := didYouMean(p.all[from:end], names)
			if hint == "" {
				hint = "name an id of the list or a place from 0"
			}
			p.r.complain(p.spot(from, end), hint, "%s is not in the list of %d", quote(p.all[from:end]), count)
			return nil, false
		}
		place = i
	}
	v, ok := p.value(n.items[place], s, end, depth)
	if !ok {
		return nil, false
	}
	made := *n
	made.items = append([]*node(nil), n.items...)
	made.items[place] = v
	return &made, true
}

// value goes on behind a word of the path: deeper, or to the value.
func (p *setting) value(old *node, s *schema, end, depth int) (*node, bool) {
	if end < len(p.all) && p.all[end] == '.' {
		if old != nil && old.kind == textNode && s.object() != s {
			// A short form (`- Device1`) becomes its long form.
			old = &node{kind: mapNode, at: old.at, members: []member{{name: "id", at: old.at, value: old}}}
		}
		return p.lay(old, s, end+1, depth+1)
	}
	if end == len(p.all) {
		p.r.complain(p.spot(0, end), "write path=value", "the setting has no value")
		return nil, false
	}
	text := p.all[end+1:]
	if strings.TrimSpace(text) == "" {
		p.r.complain(p.spot(0, end), "write path=value", "the setting has no value")
		return nil, false
	}
	// Blanks in front keep the columns right.
	before := len(p.r.complaints)
	v := p.r.parse("--set", []byte(strings.Repeat(" ", utf8.RuneCountInString(p.all[:end+1]))+text))
	for i := before; i < len(p.r.complaints); i++ {
		c := &p.r.complaints[i]
		c.Excerpt = spot{text: p.text, line: 1, column: c.Column, width: 1}.excerpt()
	}
	if v == nil || len(p.r.complaints) > before {
		return nil, false
	}
	repoint(v, p.text)
	return v, true
}

// repoint makes all complaints about n quote the setting. Nodes of one parse
// only: nothing else shares them yet.
func repoint(n *node, t *text) {
	if n.at.text == t {
		return
	}
	n.at.text = t
	for _, i := range n.items {
		repoint(i, t)
	}
	for i := range n.members {
		n.members[i].at.text = t
		repoint(n.members[i].value, t)
	}
}
