package scenarios

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a scenario file. They keep the reader's time and stack small
// whatever is fed to it.
const (
	MaxSource = 1 << 20 // bytes
	maxDepth  = 40      // of lists and maps inside each other
	maxNodes  = 200_000 // values, each alias counted with all it stands for
	maxLine   = 10_000  // bytes of one line
)

type nodeKind uint8

const (
	nullNode nodeKind = iota
	boolNode
	numberNode // text is what was written
	textNode
	listNode
	mapNode
)

var nodeNames = [...]string{"nothing", "a truth value", "a number", "a text", "a list", "a map"}

// node is a value of a scenario file and where it stands.
type node struct {
	kind    nodeKind
	text    string // of a scalar
	plain   bool   // a scalar without quotes
	braces  bool   // a map in {}
	items   []*node
	members []member
	at      spot
}

// member is one key of a map.
type member struct {
	name  string
	at    spot // of the key
	value *node
}

// get returns the value of a key, nil if it is not there.
func (n *node) get(name string) *node {
	for i := range n.members {
		if n.members[i].name == name {
			return n.members[i].value
		}
	}
	return nil
}

// fields are the node's members; none if it is not there.
func (n *node) fields() []member {
	if n == nil {
		return nil
	}
	return n.members
}

// describe names the node's kind for a message.
func (n *node) describe() string {
	switch n.kind {
	case boolNode, numberNode, textNode:
		return quote(n.text)
	}
	return nodeNames[n.kind]
}

// quote quotes a text for a message, clipped.
func quote(s string) string {
	if utf8.RuneCountInString(s) > 60 {
		s = string([]rune(s)[:57]) + "..."
	}
	return fmt.Sprintf("%q", s)
}

// parse reads YAML into nodes. It returns nil when there is nothing more to
// check; the complaint is noted then.
func (r *reader) parse(name string, b []byte) *node {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	t := newText(name, string(b))
	start := spot{text: t, line: 1, column: 1, width: 1}
	if len(b) > MaxSource {
		r.complain(spot{text: &text{name: name}}, "use groups with count and id instead of lists", "the file has %d bytes, more than %d", len(b), MaxSource)
		return nil
	}
	if !utf8.Valid(b) {
		for i, l := range t.lines {
			if !utf8.ValidString(l) {
				r.complain(spot{text: t, line: i + 1, column: 1, width: 1}, "save the file as UTF-8", "the line is not UTF-8")
				return nil
			}
		}
	}
	for i, l := range t.lines {
		if len(l) > maxLine {
			r.complain(spot{text: t, line: i + 1, column: 1, width: 1}, "", "the line has %d bytes, more than %d", len(l), maxLine)
			return nil
		}
	}
	file, at, err := parseYAML(t, string(b))
	if err != nil {
		hint := ""
		if line := t.lines[at.line-1]; strings.Contains(err.Error(), "mapping value is not allowed") && strings.Contains(line, ": ") {
			hint = "a text with a colon and a blank in it must be quoted: '...'"
		}
		if strings.Contains(t.lines[at.line-1], "\t") && strings.Contains(err.Error(), "'\t'") {
			hint = "indent with spaces"
		}
		r.complain(at, hint, "%s", strings.ReplaceAll(err.Error(), "'\t'", "tab"))
		return nil
	}
	var body ast.Node
	for _, d := range file.Docs {
		if d.Body == nil || d.Body.Type() == ast.CommentType {
			continue
		}
		if body != nil {
			r.complain(tokenSpot(t, d.Body.GetToken()), "put it into a file of its own", "a second document in the file")
			return nil
		}
		body = d.Body
	}
	if body == nil {
		r.complain(start, "begin with `groups:`", "the scenario is empty")
		return nil
	}
	c := converter{r: r, text: t, anchors: map[string]*node{}, left: maxNodes}
	n := c.convert(body, 0)
	if c.stopped {
		return nil
	}
	return n
}

// parseYAML calls the library and turns what it may do wrong into an error: it
// is fed bytes of strangers.
func parseYAML(t *text, s string) (file *ast.File, at spot, err error) {
	at = spot{text: t, line: 1, column: 1, width: 1}
	defer func() {
		if p := recover(); p != nil {
			file, err = nil, fmt.Errorf("the YAML cannot be read: %v", p)
		}
	}()
	tokens := lexer.Tokenize(s)
	depth, odd := 0, 0
	for _, tk := range tokens {
		switch tk.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.AnchorType, token.TagType, token.MappingKeyType:
			odd++
		}
		if depth > maxDepth || odd > maxLine {
			return nil, tokenSpot(t, tk), fmt.Errorf("values are nested deeper than %d", maxDepth)
		}
	}
	file, err = parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var y yaml.Error
		if errors.As(err, &y) {
			return nil, tokenSpot(t, y.GetToken()), fmt.Errorf("not YAML: %s", y.GetMessage())
		}
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, at, fmt.Errorf("not YAML: %s", first)
	}
	return file, at, nil
}

// tokenSpot returns where a token stands, inside the text whatever the token
// says.
func tokenSpot(t *text, tk *token.Token) spot {
	s := spot{text: t, line: 1, column: 1, width: 1}
	if tk == nil || tk.Position == nil {
		return s
	}
	s.line = min(max(tk.Position.Line, 1), len(t.lines))
	length := utf8.RuneCountInString(t.lines[s.line-1])
	s.column = min(max(tk.Position.Column, 1), length+1)
	s.width = utf8.RuneCountInString(tk.Value)
	if tk.Type == token.DoubleQuoteType || tk.Type == token.SingleQuoteType {
		s.width += 2
	}
	s.width = max(1, min(s.width, length-s.column+1))
	return s
}

// converter turns the library's tree into nodes, with bounds.
type converter struct {
	r       *reader
	text    *text
	anchors map[string]*node
	sizes   map[*node]int
	left    int
	stopped bool
}

func (c *converter) stop(at spot, hint, format string, args ...any) *node {
	if !c.stopped {
		c.r.complain(at, hint, format, args...)
	}
	c.stopped = true
	return &node{at: at}
}

func (c *converter) convert(n ast.Node, depth int) *node {
	if c.stopped {
		return &node{}
	}
	if n == nil {
		return &node{at: spot{text: c.text, line: 1, column: 1, width: 1}}
	}
	at := tokenSpot(c.text, n.GetToken())
	if depth > maxDepth {
		return c.stop(at, "", "values are nested deeper than %d", maxDepth)
	}
	if c.left--; c.left < 0 {
		return c.stop(at, "use groups with count and id instead of lists", "the scenario has more than %d values", maxNodes)
	}
	plain := true
	if tk := n.GetToken(); tk != nil {
		plain = tk.Type != token.DoubleQuoteType && tk.Type != token.SingleQuoteType
	}
	switch n := n.(type) {
	case *ast.NullNode:
		return &node{kind: nullNode, at: at}
	case *ast.BoolNode:
		return &node{kind: boolNode, text: n.Token.Value, plain: true, at: at}
	case *ast.IntegerNode:
		return &node{kind: numberNode, text: n.Token.Value, plain: true, at: at}
	case *ast.FloatNode:
		return &node{kind: numberNode, text: n.Token.Value, plain: true, at: at}
	case *ast.InfinityNode:
		return &node{kind: textNode, text: n.Token.Value, plain: true, at: at}
	case *ast.NanNode:
		return &node{kind: textNode, text: n.Token.Value, plain: true, at: at}
	case *ast.StringNode:
		return &node{kind: textNode, text: n.Value, plain: plain, at: at}
	case *ast.LiteralNode:
		if n.Value == nil {
			return &node{kind: textNode, at: at}
		}
		return &node{kind: textNode, text: n.Value.Value, at: at}
	case *ast.MappingValueNode:
		return c.mapping([]*ast.MappingValueNode{n}, at, depth)
	case *ast.MappingNode:
		m := c.mapping(n.Values, at, depth)
		m.braces = n.IsFlowStyle
		return m
	case *ast.SequenceNode:
		list := &node{kind: listNode, at: at}
		for _, v := range n.Values {
			list.items = append(list.items, c.convert(v, depth+1))
		}
		return list
	case *ast.AnchorNode:
		v := c.convert(n.Value, depth+1)
		if n.Name != nil && n.Name.GetToken() != nil {
			c.anchors[n.Name.GetToken().Value] = v
		}
		return v
	case *ast.AliasNode:
		return c.alias(n, at)
	case *ast.TagNode:
		return c.stop(at, "quote the value to make it a text", "YAML tags are not used in scenarios")
	}
	return c.stop(at, "", "%s cannot stand here", strings.ToLower(n.Type().String()))
}

func (c *converter) alias(n *ast.AliasNode, at spot) *node {
	name := ""
	if n.Value != nil && n.Value.GetToken() != nil {
		name = n.Value.GetToken().Value
	}
	v, ok := c.anchors[name]
	if !ok {
		return c.stop(at, fmt.Sprintf("write &%s before the value meant", name), "nothing is called *%s above", name)
	}
	// An alias counts as all it stands for: nine aliases of nine aliases, nine
	// levels deep, are 400 bytes and a thousand million values.
	if c.left -= c.size(v); c.left < 0 {
		return c.stop(at, "", "the scenario has more than %d values, aliases counted", maxNodes)
	}
	return v
}

// size is how many values a node holds, itself included.
func (c *converter) size(n *node) int {
	if n.kind != listNode && n.kind != mapNode {
		return 1
	}
	if s, ok := c.sizes[n]; ok {
		return s
	}
	s := 1
	for _, i := range n.items {
		s += c.size(i)
	}
	for i := range n.members {
		s += c.size(n.members[i].value)
	}
	if c.sizes == nil {
		c.sizes = map[*node]int{}
	}
	c.sizes[n] = s
	return s
}

func (c *converter) mapping(values []*ast.MappingValueNode, at spot, depth int) *node {
	m := &node{kind: mapNode, at: at}
	seen := make(map[string]spot, len(values))
	for i, v := range values {
		if c.stopped {
			break
		}
		key := ast.Node(v.Key)
		if k, ok := key.(*ast.MappingKeyNode); ok {
			key = k.Value
		}
		kat := at
		if key != nil {
			kat = tokenSpot(c.text, key.GetToken())
		}
		var name string
		switch k := key.(type) {
		case *ast.StringNode:
			name = k.Value
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
			name = k.GetToken().Value
		case *ast.MergeKeyNode:
			return c.stop(kat, "write the keys out, or give the group its profile's keys once", "merge keys (<<) are not used in scenarios")
		default:
			return c.stop(kat, "", "a key must be a word")
		}
		if i == 0 && at.line > kat.line || i == 0 && at.text != nil && at.width == 1 && kat.line == at.line {
			m.at = kat
		}
		if first, ok := seen[name]; ok {
			c.r.complain(kat, "", "key %s is there twice, first in %s", quote(name), first)
			continue
		}
		seen[name] = kat
		child := c.convert(v.Value, depth+1)
		if child.kind == mapNode || child.kind == listNode || child.kind == nullNode {
			// What is wrong with a whole map is shown at the key that names it.
			moved := *child
			moved.at = kat
			child = &moved
		}
		m.members = append(m.members, member{name: name, at: kat, value: child})
	}
	return m
}

// decimal returns the exact value of a number as written, false for what is
// none (infinities, malformed).
func decimal(s string) (*big.Rat, bool) {
	s = strings.ReplaceAll(s, "_", "")
	if len(s) > 40 || strings.ContainsAny(s, "/") {
		return nil, false
	}
	if len(s) > 1 && s[0] == '0' && strings.ContainsAny(s[:2], "xXoObB") {
		i, ok := new(big.Int).SetString(s, 0)
		if !ok {
			return nil, false
		}
		return new(big.Rat).SetInt(i), true
	}
	if _, exp, ok := strings.Cut(strings.ToLower(s), "e"); ok && len(strings.TrimLeft(exp, "+-0")) > 2 {
		return nil, false // 1e999999999 would be a number of a gigabyte
	}
	return new(big.Rat).SetString(s)
}
