package pack

import (
	"fmt"
	"net/url"
	"strings"
)

// maxURI is how long a package's URI may be, in bytes. [LwM2M, object 5,
// resource 1]
const maxURI = 255

// URIKey returns what two URIs have in common that name the same thing: the
// scheme and the host in lower case, the path, which is never empty, and the
// query. It is "" for what cannot be downloaded.
func URIKey(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		return ""
	}
	scheme, path := strings.ToLower(u.Scheme), u.EscapedPath()
	if scheme != "http" && scheme != "https" {
		return ""
	}
	if path == "" {
		path = "/"
	}
	key := scheme + "://" + strings.ToLower(u.Host) + path
	if u.RawQuery != "" {
		key += "?" + u.RawQuery
	}
	return key
}

// checkURI says what is wrong with a Spec's URI.
func checkURI(uri string) error {
	if len(uri) > maxURI {
		return fmt.Errorf("package: uri: has %d bytes, at most %d are allowed", len(uri), maxURI)
	}
	if uri != "" && URIKey(uri) == "" {
		return fmt.Errorf("package: uri: must be http://HOST/.. or https://HOST/.., is %q", uri)
	}
	return nil
}
