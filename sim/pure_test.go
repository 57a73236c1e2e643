package sim_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// TestPure holds every package at and below sim against the rules of
// pure_rules_test.go: no goroutine, clock, file, lock, map order, global random
// number. Tests are free to do as they like.
func TestPure(t *testing.T) {
	l := loaded(t)
	if len(l.core) == 0 {
		t.Fatal("go list found no package below sim")
	}
	for _, p := range l.core {
		if p.Error != nil {
			t.Errorf("%s does not build: %s", p.ImportPath, p.Error.Err)
			continue
		}
		for _, name := range slices.Concat(p.CgoFiles, p.SFiles, p.IgnoredGoFiles) {
			if path := filepath.Join(p.Dir, name); !strings.HasSuffix(name, "_test.go") && !(tagged[p.ImportPath+"/"+name] && onlyConstants(t, path)) {
				t.Errorf("%s: it is not part of every build, so machines would differ; move the difference into a shell", filepath.Join(p.Dir, name))
			}
		}
		var names []string
		for _, name := range p.GoFiles {
			names = append(names, filepath.Join(p.Dir, name))
		}
		for _, c := range l.check(t, p.ImportPath, names...) {
			if rel, err := filepath.Rel(l.core[0].Root, c.at.Filename); err == nil {
				c.at.Filename = rel
			}
			t.Error(c)
		}
	}
}

// onlyConstants says whether a file declares nothing but constants.
func onlyConstants(t *testing.T, path string) bool {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); !ok || g.Tok != token.CONST {
			return false
		}
	}
	return true
}

var want = regexp.MustCompile(`want([-+]\d+)? "([^"]+)"`)

// TestPureFindsSins: every file of testdata/sins is refused for what its want
// comments say, at that line (want-1: at the line before), and for nothing else.
func TestPureFindsSins(t *testing.T) {
	l := loaded(t)
	for _, name := range sources(t, "sins") {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".go"), func(t *testing.T) {
			got := l.check(t, "sin", name)
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			wants := 0
			for i, line := range strings.Split(string(text), "\n") {
				for _, m := range want.FindAllStringSubmatch(line, -1) {
					wants++
					by, _ := strconv.Atoi(m[1])
					n := slices.IndexFunc(got, func(c complaint) bool {
						return c.at.Line == i+1+by && regexp.MustCompile(m[2]).MatchString(c.text)
					})
					if n < 0 {
						t.Errorf("%s:%d: not found: %s", name, i+1+by, m[2])
						continue
					}
					got = slices.Delete(got, n, n+1)
				}
			}
			if wants == 0 {
				t.Error("the sin has no want comment")
			}
			for _, c := range got {
				t.Errorf("not wanted: %s", c)
			}
		})
	}
}

// TestPureLeavesVirtues: nothing in testdata/virtues is refused.
func TestPureLeavesVirtues(t *testing.T) {
	l := loaded(t)
	for _, name := range sources(t, "virtues") {
		for _, c := range l.check(t, "virtue", name) {
			t.Error(c)
		}
	}
}

// TestPureKnowsItsNames: what the rules refuse or allow by name exists, so
// that no rule is lost to a slip of the pen.
func TestPureKnowsItsNames(t *testing.T) {
	l := loaded(t)
	find := func(path, name string) {
		p, err := l.imports.Import(path)
		if err != nil {
			t.Fatal(err)
		}
		base, method, ok := strings.Cut(name, ".")
		obj := p.Scope().Lookup(base)
		if obj == nil {
			t.Errorf("package %s has no %s", path, base)
		} else if m, _, _ := types.LookupFieldOrMethod(obj.Type(), true, p, method); ok && m == nil {
			t.Errorf("package %s: %s has no method %s", path, base, method)
		}
	}
	for path, names := range refused {
		for name := range names {
			find(path, name)
		}
	}
	for path, only := range onlyAllowed {
		for name := range only.names {
			find(path, name)
		}
	}
	for name := range streams {
		dot := strings.LastIndex(name, ".")
		find(name[:dot], name[dot+1:])
	}
}

// listed is what `go list` says of a package.
type listed struct {
	ImportPath, Dir, Root, Export             string
	GoFiles, CgoFiles, SFiles, IgnoredGoFiles []string
	Error                                     *struct{ Err string }
}

// loader type-checks sources of the core against export data, which the go
// command makes and caches; nothing is fetched.
type loader struct {
	core    []listed
	fset    *token.FileSet
	imports types.Importer
}

// lenient gives an empty package for what cannot be imported: the planted
// sins import what must not be built for their sake.
type lenient struct{ types.Importer }

func (l lenient) Import(path string) (*types.Package, error) {
	if p, err := l.Importer.Import(path); err == nil {
		return p, nil
	}
	p := types.NewPackage(path, "empty")
	p.MarkComplete()
	return p, nil
}

var load = sync.OnceValues(func() (*loader, error) {
	l := &loader{fset: token.NewFileSet()}
	args := []string{"list", "-e", "-deps", "-export", "-json=ImportPath,Dir,Root,Export,GoFiles,CgoFiles,SFiles,IgnoredGoFiles,Error", "./..."}
	planted, err := filepath.Glob("testdata/*/*.go")
	if err != nil {
		return nil, err
	}
	more := map[string]bool{}
	for path := range refused {
		more[path] = true
	}
	for path := range onlyAllowed {
		more[path] = true
	}
	for _, name := range planted {
		f, err := parser.ParseFile(l.fset, name, nil, parser.ImportsOnly)
		if err != nil {
			return nil, err
		}
		for _, s := range f.Imports {
			if path, _ := strconv.Unquote(s.Path.Value); allowedImports[path] {
				more[path] = true
			}
		}
	}
	for path := range more {
		args = append(args, path)
	}
	slices.Sort(args[4:])
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	out, err := cmd.Output()
	if err != nil {
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("%w: %s", err, e.Stderr)
		}
		return nil, fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	exports := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		exports[p.ImportPath] = p.Export
		if p.ImportPath == module+"/sim" || strings.HasPrefix(p.ImportPath, module+"/sim/") {
			l.core = append(l.core, p)
		}
	}
	l.imports = importer.ForCompiler(l.fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("package %s does not build", path)
		}
		return os.Open(exports[path])
	})
	return l, nil
})

func loaded(t *testing.T) *loader {
	t.Helper()
	l, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// check type-checks the files as one package and inspects them.
func (l *loader) check(t *testing.T, path string, names ...string) []complaint {
	t.Helper()
	var files []*ast.File
	for _, name := range names {
		f, err := parser.ParseFile(l.fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{
		Types:      map[ast.Expr]types.TypeAndValue{},
		Defs:       map[*ast.Ident]types.Object{},
		Uses:       map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}
	conf := types.Config{Importer: l.imports, Sizes: types.SizesFor("gc", runtime.GOARCH)}
	if !strings.HasPrefix(path, module) {
		conf.Importer = lenient{l.imports}
	}
	if _, err := conf.Check(path, l.fset, files, info); err != nil {
		t.Fatalf("type check of %s: %v", path, err)
	}
	return inspect(l.fset, info, files)
}

func sources(t *testing.T, folder string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", folder, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no sources in testdata/%s: %v", folder, err)
	}
	return names
}
