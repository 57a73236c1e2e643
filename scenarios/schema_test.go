package scenarios

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("scenario.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("scenario.json")
	if err != nil {
		t.Fatalf("the schema is none: %v", err)
	}
	return s
}

// valid asks the schema about a scenario, which another reader turned to JSON.
func valid(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	b, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

// The library is valid by the schema that the tables print.
func TestSchemaTakesTheLibrary(t *testing.T) {
	s := compiledSchema(t)
	for _, name := range libraryNames() {
		b, err := library.ReadFile("library/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(t, s, string(b)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What Load takes the schema takes, over all transcripts; and what breaks a
// table both refuse.
func TestSchemaAgrees(t *testing.T) {
	s := compiledSchema(t)
	for _, name := range []string{"units", "groups", "jobs", "steps", "packages", "expect"} {
		b, err := os.ReadFile("testdata/complaints/" + name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range strings.Split(string(b), "=== ")[1:] {
			title, rest, _ := strings.Cut(c, "\n")
			body, said, _ := strings.Cut(rest, "---\n")
			if !strings.HasPrefix(said, "fine") {
				continue
			}
			if !strings.Contains(body, "groups") {
				body += "groups: {six: {devices: [D1, D2, D3, D4, D5, D6]}}\n"
			}
			if err := valid(t, s, strings.TrimPrefix(body, "!\n")); err != nil {
				t.Errorf("%s, %s: Load takes it, the schema does not: %v", name, title, err)
			}
		}
	}
	for _, bad := range []string{
		"groups: {a: {count: 1}}\njob: []", "groups: {a: {cuont: 1}}", "seed: 1", "groups: {a: {count: 0}}", "groups: {a: {count: 1, boot: 5}}", "groups: {a: {count: 1, pmin: 5}}",
		"groups: {a: {count: 1}}\njobs: [{id: x}]", "groups: {a: {count: 1}}\njobs: [{id: x, kind: reboot, group: a}]", "groups: {a: {count: 1}}\nsteps: [{sleep: 1s}]",
		"groups: {a: {count: 1}}\nsteps: [{wait: 1s, cancel: x}]", "groups: {a: {devices: [{firmwareVersion: 3}]}}", "groups: {a: {count: 1, faults: [nothing]}}",
	} {
		if valid(t, s, bad) == nil {
			t.Errorf("the schema takes %s", bad)
		}
		if _, err := Load(Source{Name: "x.yaml", Text: []byte(bad)}, nil); err == nil {
			t.Errorf("Load takes %s", bad)
		}
	}
}

func TestSchemaIsStable(t *testing.T) {
	if !bytes.Equal(Schema(), Schema()) {
		t.Error("two schemas differ")
	}
	var v map[string]any
	if err := json.Unmarshal(Schema(), &v); err != nil || v["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("%v, %v", err, v["$schema"])
	}
}
