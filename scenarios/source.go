package scenarios

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed library/*.yaml
var library embed.FS

// Source is the text of a scenario and the name complaints give it.
type Source struct {
	Name string // path, or `<name>.yaml` of the library
	Text []byte
}

// base is the scenario's name unless it says one itself.
func (s Source) base() string {
	b := filepath.Base(filepath.ToSlash(s.Name))
	return strings.TrimSuffix(strings.TrimSuffix(b, ".yaml"), ".yml")
}

// Entry is one scenario of the library.
type Entry struct {
	Name        string
	Description string // one line
}

// Library lists the embedded scenarios by name. It panics when one cannot be
// read: a test keeps that from happening.
func Library() []Entry {
	var all []Entry
	for _, name := range libraryNames() {
		src, err := Open(name)
		if err != nil {
			panic("scenarios: " + err.Error())
		}
		plan, err := Load(src, nil)
		if err != nil {
			panic("scenarios: library: " + err.Error())
		}
		all = append(all, Entry{name, plan.Description})
	}
	return all
}

// libraryNames returns the names of the embedded scenarios, sorted.
func libraryNames() []string {
	entries, err := fs.ReadDir(library, "library")
	if err != nil {
		panic("scenarios: " + err.Error())
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	return names
}

// Open finds a scenario: a name of the library, or the path of a file (with a
// separator or ending in .yaml or .yml). A name that is neither says what is
// near it.
func Open(nameOrPath string) (Source, error) {
	names := libraryNames()
	for _, n := range names {
		if n == nameOrPath {
			b, err := library.ReadFile("library/" + n + ".yaml")
			return Source{Name: n + ".yaml", Text: b}, err
		}
	}
	isPath := strings.ContainsAny(nameOrPath, `/\`) || strings.HasSuffix(nameOrPath, ".yaml") || strings.HasSuffix(nameOrPath, ".yml")
	if !isPath {
		hint := "list the library, or give a path ending in .yaml"
		if near := nearest(nameOrPath, names); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		return Source{}, &Error{Complaints: []Complaint{{File: nameOrPath, Line: 1, Column: 1, Message: "no scenario of that name in the library", Hint: hint}}}
	}
	info, err := os.Stat(nameOrPath)
	switch {
	case err != nil:
		return Source{}, &Error{Complaints: []Complaint{{File: nameOrPath, Line: 1, Column: 1, Message: reason(err)}}}
	case info.IsDir():
		return Source{}, &Error{Complaints: []Complaint{{File: nameOrPath, Line: 1, Column: 1, Message: "is a folder, not a scenario file"}}}
	case info.Size() > MaxSource:
		return Source{}, &Error{Complaints: []Complaint{{File: nameOrPath, Line: 1, Column: 1, Message: fmt.Sprintf("the file has %d bytes, more than %d", info.Size(), MaxSource)}}}
	}
	b, err := os.ReadFile(nameOrPath)
	if err != nil {
		return Source{}, &Error{Complaints: []Complaint{{File: nameOrPath, Line: 1, Column: 1, Message: reason(err)}}}
	}
	return Source{Name: nameOrPath, Text: b}, nil
}

// reason is the cause of an error of the file system without its path.
func reason(err error) string {
	if p, ok := err.(*fs.PathError); ok {
		return p.Err.Error()
	}
	return err.Error()
}
