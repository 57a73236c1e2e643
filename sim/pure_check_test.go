package sim_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// mark, followed by a reason, on the line above a range over a map says that
// the order does not matter.
const mark = "// any order:"

// inspector looks for what the core must not do in one type-checked package.
//
// It is a fence, not a proof: it sees names and statements, not what a value
// becomes. A pointer to a row of a package-level table, say, may still be
// written through.
type inspector struct {
	fset  *token.FileSet
	info  *types.Info
	found []complaint

	marks map[int]bool // of the present file: line of a mark -> whether it was needed
}

// complaint is one thing found, with what to do instead.
type complaint struct {
	at   token.Position
	text string
}

func (c complaint) String() string { return fmt.Sprintf("%s:%d: %s", c.at.Filename, c.at.Line, c.text) }

// inspect returns the complaints about files, in order of position.
func inspect(fset *token.FileSet, info *types.Info, files []*ast.File) []complaint {
	c := &inspector{fset: fset, info: info}
	for _, f := range files {
		c.file(f)
	}
	slices.SortStableFunc(c.found, func(a, b complaint) int {
		return cmp.Or(cmp.Compare(a.at.Filename, b.at.Filename), cmp.Compare(a.at.Line, b.at.Line))
	})
	return c.found
}

func (c *inspector) complain(n ast.Node, format string, args ...any) {
	c.found = append(c.found, complaint{c.fset.Position(n.Pos()), fmt.Sprintf(format, args...)})
}

func (c *inspector) file(f *ast.File) {
	c.marks = map[int]bool{}
	for _, g := range f.Comments {
		for _, m := range g.List {
			if why, ok := strings.CutPrefix(m.Text, mark); !ok {
				continue
			} else if strings.TrimSpace(why) == "" {
				c.complain(m, "a mark without a reason: write %q and why", mark)
			}
			c.marks[c.fset.Position(m.Pos()).Line] = false
		}
	}
	for _, s := range f.Imports {
		c.imports(s)
	}
	ast.PreorderStack(f, nil, func(n ast.Node, above []ast.Node) bool {
		c.node(n, above)
		return true
	})
	for _, g := range f.Comments {
		for _, m := range g.List {
			if needed, ok := c.marks[c.fset.Position(m.Pos()).Line]; ok && !needed && strings.HasPrefix(m.Text, mark) {
				c.complain(m, "the mark is not needed: the next line does not walk a map; delete it")
			}
		}
	}
}

func (c *inspector) imports(s *ast.ImportSpec) {
	path, err := strconv.Unquote(s.Path.Value)
	if err != nil || allowedImports[path] || path == module+"/sim" || strings.HasPrefix(path, module+"/sim/") {
		return
	}
	advice := importAdvice[path]
	switch {
	case advice != "":
	case strings.HasPrefix(path, module+"/"):
		advice = "arrows point down: let the caller pass in what is needed"
	case strings.Contains(path, "."):
		advice = "the core has no dependencies"
	default:
		advice = "do it outside and pass in the result, or argue for a place on the list"
	}
	c.complain(s, "import of %s, which is not on the list of what the core may import: %s", path, advice)
}

func (c *inspector) node(n ast.Node, above []ast.Node) {
	switch n := n.(type) {
	case *ast.GoStmt:
		c.complain(n, "a goroutine: only shells have them; return what is to be done in the Outbox")
	case *ast.SelectStmt:
		c.complain(n, "a select: the core never waits; make the event an Input")
	case *ast.SendStmt:
		c.complain(n, "a send on a channel: return what is to be said in the Outbox")
	case *ast.ChanType:
		c.complain(n, "a channel: what happens comes in as an Input, what follows leaves in the Outbox")
	case *ast.UnaryExpr:
		switch n.Op {
		case token.ARROW:
			c.complain(n, "a receive from a channel: make the event an Input")
		case token.AND:
			if id, ok := ast.Unparen(n.X).(*ast.Ident); ok && packageVar(c.info.Uses[id]) {
				c.complain(n, "the address of package-level variable %s: state lives in a machine", id.Name)
			}
		}
	case *ast.RangeStmt:
		c.ranges(n)
		if n.Tok == token.ASSIGN {
			c.assigned(n.Key, above)
			c.assigned(n.Value, above)
		}
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			for _, e := range n.Lhs {
				c.assigned(e, above)
			}
		}
		if (n.Tok == token.ADD_ASSIGN || n.Tok == token.SUB_ASSIGN) && c.product(n.Rhs[0]) {
			c.fused(n)
		}
	case *ast.IncDecStmt:
		c.assigned(n.X, above)
	case *ast.BinaryExpr:
		if (n.Op == token.ADD || n.Op == token.SUB) && (c.product(n.X) || c.product(n.Y)) {
			c.fused(n)
		}
	case *ast.CallExpr:
		c.call(n, above)
	case *ast.SelectorExpr:
		c.method(n, above)
	case *ast.Ident:
		if obj := c.info.Uses[n]; obj != nil && obj.Pkg() != nil {
			c.name(n, obj, above)
		}
		if v, ok := c.info.Defs[n].(*types.Var); ok && packageVar(v) && streams[typeName(v.Type())] {
			c.complain(n, "a random stream at package level: give every actor its own sim.Rand")
		}
	}
}

// ranges checks a range statement.
func (c *inspector) ranges(n *ast.RangeStmt) {
	switch t := c.info.TypeOf(n.X); {
	case over[*types.Map](t):
		if !c.marked(n) {
			c.complain(n, "a range over a map: its order differs between runs; "+
				"range over slices.Sorted(maps.Keys(m)) or write %q and why on the line above", mark)
		}
	case over[*types.Chan](t):
		c.complain(n, "a range over a channel: make the event an Input")
	}
}

// marked says whether the line above n carries a mark, and notes its use.
func (c *inspector) marked(n ast.Node) bool {
	line := c.fset.Position(n.Pos()).Line - 1
	if _, ok := c.marks[line]; !ok {
		return false
	}
	c.marks[line] = true
	return true
}

// name checks the use of a name of another package.
func (c *inspector) name(id *ast.Ident, obj types.Object, above []ast.Node) {
	path, name := obj.Pkg().Path(), obj.Name()
	if f, ok := obj.(*types.Func); ok && f.Signature().Recv() != nil {
		recv := typeName(f.Signature().Recv().Type())
		name = recv[strings.LastIndex(recv, ".")+1:] + "." + name
	} else if obj.Pkg().Scope().Lookup(name) != obj {
		return // a field
	} else if only, ok := onlyAllowed[path]; ok && !only.names[name] {
		if _, ok := obj.(*types.Const); !ok {
			c.complain(id, "%s.%s %s", path, name, only.why)
			return
		}
	}
	if why, ok := refused[path][name]; ok {
		c.complain(id, "%s.%s: %s", path, name, why)
	}
	switch path + "." + name {
	case "maps.Keys", "maps.Values", "maps.All":
		call, around := caller(above)
		if outer, ok := around.(*ast.CallExpr); ok && c.sorts(outer) {
			return
		}
		if call != nil && c.marked(call) {
			return
		}
		c.complain(id, "%s.%s: its order differs between runs; sort it at once (slices.Sorted, slices.SortedFunc) "+
			"or write %q and why on the line above", path, name, mark)
	case "time.Unix", "time.UnixMilli", "time.UnixMicro":
		call, around := caller(above)
		if sel, ok := around.(*ast.SelectorExpr); ok && call != nil && (sel.Sel.Name == "UTC" || sel.Sel.Name == "In") {
			return
		}
		c.complain(id, "%s.%s gives local time: call .UTC() on it at once", path, name)
	}
}

// caller returns the call whose function is the name with these nodes above
// it, nil if the name is not called, and the node around that call.
func caller(above []ast.Node) (call *ast.CallExpr, around ast.Node) {
	i := len(above) - 1
	for ; i >= 0; i-- {
		switch n := above[i].(type) {
		case *ast.SelectorExpr, *ast.IndexExpr, *ast.IndexListExpr, *ast.ParenExpr:
			continue
		case *ast.CallExpr:
			call = n
		}
		break
	}
	if call == nil {
		return nil, nil
	}
	for i--; i >= 0; i-- {
		if _, ok := above[i].(*ast.ParenExpr); !ok {
			return call, above[i]
		}
	}
	return call, nil
}

// sorts says whether call is one of the sorting collectors of slices.
func (c *inspector) sorts(call *ast.CallExpr) bool {
	fun := ast.Unparen(call.Fun)
	if x, ok := fun.(*ast.IndexExpr); ok {
		fun = x.X
	}
	sel, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	obj := c.info.Uses[sel.Sel]
	return obj != nil && obj.Pkg() != nil && obj.Pkg().Path() == "slices" &&
		slices.Contains([]string{"Sorted", "SortedFunc", "SortedStableFunc"}, obj.Name())
}

// call checks built-in functions and format strings.
func (c *inspector) call(n *ast.CallExpr, above []ast.Node) {
	id, ok := ast.Unparen(n.Fun).(*ast.Ident)
	if b, isBuiltin := c.info.Uses[id].(*types.Builtin); ok && isBuiltin {
		switch b.Name() {
		case "close":
			c.complain(n, "a channel is closed: what happens comes in as an Input")
		case "print", "println":
			c.complain(n, "%s: %s", b.Name(), prints)
		case "copy", "clear", "delete":
			c.assigned(n.Args[0], above)
		}
		return
	}
	sel, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr)
	if !ok {
		return
	}
	obj := c.info.Uses[sel.Sel]
	if obj == nil || obj.Pkg() == nil || obj.Pkg().Path() != "fmt" {
		return
	}
	for _, a := range n.Args {
		v := c.info.Types[a].Value
		if v != nil && v.Kind() == constant.String && strings.Contains(strings.ReplaceAll(constant.StringVal(v), "%%", ""), "%p") {
			c.complain(a, "%%p prints an address, which differs between runs: print an id")
		}
	}
}

// method checks a call that takes the address of a package-level variable.
func (c *inspector) method(n *ast.SelectorExpr, above []ast.Node) {
	s := c.info.Selections[n]
	if s == nil || s.Kind() == types.FieldVal {
		return
	}
	f := s.Obj().(*types.Func)
	if _, ok := f.Signature().Recv().Type().Underlying().(*types.Pointer); !ok || inInit(above) {
		return
	}
	if _, ok := s.Recv().Underlying().(*types.Pointer); ok {
		return
	}
	if v := c.root(n.X); v != nil {
		c.complain(n, "a method that may change package-level variable %s: state lives in a machine", v.Name())
	}
}

// assigned checks what is written to: no package-level variable, but in init.
func (c *inspector) assigned(e ast.Expr, above []ast.Node) {
	if e == nil || inInit(above) {
		return
	}
	if v := c.root(e); v != nil {
		c.complain(e, "package-level variable %s is changed: state lives in a machine", v.Name())
	}
}

// root returns the package-level variable that e is, or is a part of.
func (c *inspector) root(e ast.Expr) *types.Var {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if v, ok := c.info.Uses[e].(*types.Var); ok && packageVar(v) {
			return v
		}
	case *ast.SelectorExpr:
		if v, ok := c.info.Uses[e.Sel].(*types.Var); ok && packageVar(v) {
			return v
		}
		return c.root(e.X)
	case *ast.IndexExpr:
		return c.root(e.X)
	case *ast.SliceExpr:
		return c.root(e.X)
	case *ast.StarExpr:
		return c.root(e.X)
	}
	return nil
}

func packageVar(obj types.Object) bool {
	v, ok := obj.(*types.Var)
	return ok && !v.IsField() && v.Pkg() != nil && v.Pkg().Scope().Lookup(v.Name()) == v
}

func inInit(above []ast.Node) bool {
	for _, n := range above {
		if f, ok := n.(*ast.FuncDecl); ok {
			return f.Recv == nil && f.Name.Name == "init"
		}
	}
	return false
}

// product says whether e is a product of floats that is not rounded before it
// is used. [Go specification: "Floating-point operators"]
func (c *inspector) product(e ast.Expr) bool {
	b, ok := ast.Unparen(e).(*ast.BinaryExpr)
	if !ok || b.Op != token.MUL || c.info.Types[b].Value != nil {
		return false
	}
	basic, ok := c.info.TypeOf(b).Underlying().(*types.Basic)
	return ok && basic.Info()&(types.IsFloat|types.IsComplex) != 0
}

func (c *inspector) fused(n ast.Node) {
	c.complain(n, "x*y + z on floats may become one instruction with another result: write float64(x*y) + z")
}

// over says whether t, or a type that type parameter t may stand for, is a T.
func over[T types.Type](t types.Type) bool {
	if t == nil {
		return false
	}
	if _, ok := t.Underlying().(T); ok {
		return true
	}
	p, ok := types.Unalias(t).(*types.TypeParam)
	if !ok {
		return false
	}
	limits := p.Constraint().Underlying().(*types.Interface)
	for i := range limits.NumEmbeddeds() {
		switch u := types.Unalias(limits.EmbeddedType(i)).(type) {
		case *types.Union:
			for j := range u.Len() {
				if _, ok := u.Term(j).Type().Underlying().(T); ok {
					return true
				}
			}
		default:
			if _, ok := u.Underlying().(T); ok {
				return true
			}
		}
	}
	return false
}

// typeName returns the path and name of a named type or of what it points to.
func typeName(t types.Type) string {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := types.Unalias(t).(*types.Named); ok && n.Obj().Pkg() != nil {
		return n.Obj().Pkg().Path() + "." + n.Obj().Name()
	}
	return ""
}
