package pack

import (
	"strings"
	"testing"
)

// TestURIKey: which URIs are the same, and which are none.
func TestURIKey(t *testing.T) {
	const tutorial = "http://url.to.firmware.update/"
	for uri, want := range map[string]string{
		"http://url.to.firmware.update":           tutorial,
		"HTTP://URL.to.firmware.update/":          tutorial,
		"http://url.to.firmware.update#sha256=00": tutorial,
		"http://url.to.firmware.update?a=b":       tutorial + "?a=b",
		"http://url.to.firmware.update/A%20b":     tutorial + "A%20b",
		"https://url.to.firmware.update:8443/x":   "https://url.to.firmware.update:8443/x",
		"www.bing.com":                            "",
		"file:///image":                           "",
		"http://":                                 "",
		"http://a b/":                             "",
		"":                                        "",
	} {
		if got := URIKey(uri); got != want {
			t.Errorf("URIKey(%q) = %q; want %q", uri, got, want)
		}
	}
	for uri, want := range map[string]string{
		"": "", tutorial: "", "ftp://x/": "must be http", "http://x/" + strings.Repeat("y", maxURI): "at most 255",
	} {
		err := Spec{Name: "fw", Version: "3.0", URI: uri}.Validate()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("a package of URI %q: %v; want %q", uri, err, want)
		}
	}
}
