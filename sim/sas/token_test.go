package sas_test

import (
	"encoding/base64"
	"math"
	"strings"
	"testing"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/sas"
	"pgregory.net/rapid"
)

func decode(t testing.TB, key string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		t.Fatalf("key %q: %v", key, err)
	}
	return b
}

const testKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// vectors are signatures made by the Azure SDKs (the first is the Node SDK's
// own test) and by Microsoft's published algorithm.
var vectors = []struct {
	key, resource string
	expiry        sim.Date
	policy        string
	sig           string // base64
}{
	{"key=", "host", 12345, "", "88JmrIsVYOGmRSjCO1x1LLbv0K001Gikh1rjfJqbQXA="},
	{testKey, "localhost", 1462000000, "iothubowner", "uv4cYRkbC7KiwfYA4BURgL2a6JUJ27zZOW2LG8XpJNo="},
	{testKey, "dmhub.azure-devices.net", 1462000000, "iothubowner", "KuWf2VRHaopYnYldYPp9PoFsXlB4Vyhk1EgrdzLK5iw="},
	{testKey, "dmhub.azure-devices.net%2fdevices%2fDevice11-7ce4a850", 1462000000, "", "+8Pjlq+UhInmbJkeYf/5phmywo4rvbJC9yt7XERZ2u8="},
	{testKey, "hub1.fleet.test%2Fdevices%2Fdev-1", 1893456000, "", "MLq/qsAfHbXBxlBf2UFRcp40RqzGp9dYxxew38HkNy0="},
	{testKey, "hub1.fleet.test", 1893456000, "iothubowner", "6G72a+yvzsbaq6/7AoRAon66+hYG6ijEEjbAG30tcEs="},
	{testKey, "localhost%3A18883%2Fdevices%2Fa%20b%23%251", 1893456000, "", "RZLmOHN34MsM80A8t58UZBX7YIf99nsIwxvi5uJOrTA="},
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		key := decode(t, v.key)
		token := sas.Sign(v.resource, key, v.expiry, v.policy)
		p, err := sas.Parse(token)
		if err != nil {
			t.Errorf("%s: %v", token, err)
			continue
		}
		_, rest, _ := strings.Cut(token, "&sig=")
		sig, _, _ := strings.Cut(rest, "&")
		if want := sas.Encode(v.sig); sig != want {
			t.Errorf("sr=%s se=%d: sig %s, want %s", v.resource, v.expiry, sig, want)
		}
		if p.Resource != v.resource || p.Expiry != v.expiry || p.Policy != v.policy || !p.Verify(key) {
			t.Errorf("%s: read as %+v, verified %v", token, p, p.Verify(key))
		}
		if p.Verify(append(key, 1)) || p.Verify(nil) {
			t.Errorf("%s: another key verifies it", token)
		}
	}
}

func TestSign(t *testing.T) {
	const want = "SharedAccessSignature sr=hub1.fleet.test&sig=6G72a%2Byvzsbaq6%2F7AoRAon66%2BhYG6ijEEjbAG30tcEs%3D&se=1893456000&skn=iothubowner"
	if got := sas.Sign("hub1.fleet.test", decode(t, testKey), 1893456000, "iothubowner"); got != want {
		t.Errorf("Sign = %s\nwant   %s", got, want)
	}
}

// The same token as other clients write it.
func TestParse(t *testing.T) {
	key := decode(t, testKey)
	const sig = "6G72a%2Byvzsbaq6%2F7AoRAon66%2BhYG6ijEEjbAG30tcEs%3D"
	for _, c := range []struct {
		name, token string
		err         string // "" if it is good
	}{
		{"Node service", "SharedAccessSignature sr=hub1.fleet.test&sig=" + sig + "&skn=iothubowner&se=1893456000", ""},
		{"C#", "SharedAccessSignature sr=hub1.fleet.test&sig=" + sig + "&se=1893456000&skn=iothubowner", ""},
		{"scheme in lower case", "sharedaccesssignature se=1893456000&sig=" + sig + "&sr=hub1.fleet.test", ""},
		{"escapes in lower case", "SharedAccessSignature sr=hub1.fleet.test&sig=" + strings.NewReplacer("%2B", "%2b", "%2F", "%2f", "%3D", "%3d").Replace(sig) + "&se=1893456000", ""},
		{"no escapes", "SharedAccessSignature sr=hub1.fleet.test&sig=6G72a+yvzsbaq6/7AoRAon66+hYG6ijEEjbAG30tcEs=&se=1893456000", ""},
		{"empty skn", "SharedAccessSignature sr=hub1.fleet.test&sig=" + sig + "&se=1893456000&skn=", ""},
		{"unknown pair", "SharedAccessSignature v=1&sr=hub1.fleet.test&sig=" + sig + "&se=1893456000&", ""},
		{"more spaces", "SharedAccessSignature  sr=hub1.fleet.test& sig=" + sig + "& se=1893456000", ""},
		{"empty", "", "must begin with"},
		{"word alone", "SharedAccessSignature", "must begin with"},
		{"other scheme", "Bearer sr=a&sig=" + sig + "&se=1", "must begin with"},
		{"nothing in it", "SharedAccessSignature ", "sr is missing"},
		{"no sig", "SharedAccessSignature sr=a&se=1", "sig is missing"},
		{"no se", "SharedAccessSignature sr=a&sig=" + sig, "se is missing"},
		{"empty sr", "SharedAccessSignature sr=&sig=" + sig + "&se=1", "sr is missing"},
		{"twice", "SharedAccessSignature sr=a&sr=b&sig=" + sig + "&se=1", "sr is there twice"},
		{"sig of 31 bytes", "SharedAccessSignature sr=a&sig=" + base64.StdEncoding.EncodeToString(make([]byte, 31)) + "&se=1", "base64 text of 32 bytes"},
		{"sig not base64", "SharedAccessSignature sr=a&sig=%%%&se=1", "sig: "},
		{"se a word", "SharedAccessSignature sr=a&sig=" + sig + "&se=soon", "want seconds since 1970"},
		{"se beyond 64 bits", "SharedAccessSignature sr=a&sig=" + sig + "&se=9223372036854775808", "want seconds since 1970"},
		{"sr with a broken escape", "SharedAccessSignature sr=a%2&sig=" + sig + "&se=1", "sr: "},
		{"skn with a broken escape", "SharedAccessSignature sr=a&sig=" + sig + "&se=1&skn=%zz", "skn: "},
		{"too long", "SharedAccessSignature sr=" + strings.Repeat("a", sas.MaxToken) + "&sig=" + sig + "&se=1", "at most 4096"},
	} {
		p, err := sas.Parse(c.token)
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %+v, error %v; want %q", c.name, p, err, c.err)
			}
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case p.Resource != "hub1.fleet.test" || p.Expiry != 1893456000 || !p.Verify(key):
			t.Errorf("%s: %+v, verified %v", c.name, p, p.Verify(key))
		}
	}
}

// What is signed is what was sent, not what it means.
func TestVerifyAsTransmitted(t *testing.T) {
	key := decode(t, testKey)
	upper := sas.Sign("h%2Fdevices%2Fd", key, 100, "")
	for _, other := range []string{
		strings.Replace(upper, "%2Fdevices%2F", "%2fdevices%2f", 1),
		strings.Replace(upper, "%2Fdevices%2F", "/devices/", 1),
		strings.Replace(upper, "se=100", "se=0100", 1),
		strings.Replace(upper, "se=100", "se=101", 1),
	} {
		p, err := sas.Parse(other)
		if err != nil || p.Verify(key) {
			t.Errorf("%s: error %v, verified %v; want neither", other, err, p.Verify(key))
		}
	}
}

func TestExpired(t *testing.T) {
	for _, c := range []struct {
		expiry, now sim.Date
		want        bool
	}{
		{1000, 0, false}, {1000, 1000, false}, {1000, 1299, false}, {1000, 1300, true}, {1000, math.MaxInt64, true},
		{math.MaxInt64, math.MaxInt64 - 1, false}, {math.MaxInt64 - 10, math.MaxInt64 - 1, false},
		{-62135596800, 0, true},
	} {
		token := sas.Token{Expiry: c.expiry}
		if got := token.Expired(c.now); got != c.want {
			t.Errorf("a token until %d is expired at %d: %v, want %v", c.expiry, c.now, got, c.want)
		}
	}
}

func TestSignParse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := sim.DeviceID(rapid.StringMatching(`[A-Za-z0-9\-.%_#*?!(),:=@$']{1,40}(/[a-z$]{1,9})?`).Draw(t, "id"))
		host := rapid.StringMatching(`[a-zA-Z0-9.\-]{1,20}(:[0-9]{1,5})?`).Draw(t, "host")
		key := rapid.SliceOfN(rapid.Byte(), 16, 64).Draw(t, "key")
		expiry := sim.Date(rapid.Int64().Draw(t, "expiry"))
		policy := rapid.StringMatching(`[A-Za-z0-9 &=+%]{0,20}`).Draw(t, "policy")
		resource := sas.DeviceResource(host, id)
		p, err := sas.Parse(sas.Sign(resource, key, expiry, policy))
		if err != nil {
			t.Fatal(err)
		}
		if p.Resource != resource || p.Expiry != expiry || p.Policy != policy || !p.Verify(key) || !p.Covers(resource) {
			t.Fatalf("%+v; verified %v, covers %v", p, p.Verify(key), p.Covers(resource))
		}
		key[0] ^= 1
		if p.Verify(key) || p.Covers(sas.DeviceResource(host, id+"x")) {
			t.Fatalf("%+v is good for another key or device", p)
		}
	})
}

func FuzzToken(f *testing.F) {
	key := decode(f, testKey)
	for _, v := range vectors {
		f.Add(sas.Sign(v.resource, key, v.expiry, v.policy))
	}
	f.Add("sharedaccesssignature se=-1&sig=&sr=%2f%2F&skn=%")
	f.Fuzz(func(t *testing.T, token string) {
		p, err := sas.Parse(token)
		if err != nil {
			return
		}
		if p.Resource == "" || len(token) > sas.MaxToken {
			t.Fatalf("%q: %+v", token, p)
		}
		p.Covers("host/devices/d")
		again, err := sas.Parse(sas.Sign(p.Resource, key, p.Expiry, p.Policy))
		if err != nil || again.Resource != p.Resource || again.Expiry != p.Expiry || again.Policy != p.Policy || !again.Verify(key) {
			t.Fatalf("%q signed again: %+v, %v", token, again, err)
		}
	})
}

func BenchmarkSign(b *testing.B) {
	key := decode(b, testKey)
	b.ReportAllocs()
	for b.Loop() {
		sas.Sign(sas.DeviceResource("hub1.fleet.test", "device-00001"), key, 1893456000, "")
	}
}

func BenchmarkParseVerify(b *testing.B) {
	key := decode(b, testKey)
	token := sas.Sign(sas.DeviceResource("hub1.fleet.test", "device-00001"), key, 1893456000, "")
	want := sas.DeviceResource("hub1.fleet.test", "device-00001")
	b.ReportAllocs()
	for b.Loop() {
		if p, err := sas.Parse(token); err != nil || !p.Verify(key) || !p.Covers(want) {
			b.Fatal(err)
		}
	}
}
