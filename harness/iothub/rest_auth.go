package iothub

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/sas"
)

// Rights is what the holder of a policy's key may do.
type Rights uint8

// The rights. RegistryWrite comes with RegistryRead in the service's
// RegistryReadWrite.
const (
	RegistryRead Rights = 1 << iota
	RegistryWrite
	ServiceConnect
	DeviceConnect
)

// AllRights are those of an owner.
const AllRights = RegistryRead | RegistryWrite | ServiceConnect | DeviceConnect

// String names the rights as the service does.
func (r Rights) String() string {
	var words []string
	switch {
	case r&RegistryWrite != 0:
		words = append(words, "RegistryReadWrite")
	case r&RegistryRead != 0:
		words = append(words, "RegistryRead")
	}
	if r&ServiceConnect != 0 {
		words = append(words, "ServiceConnect")
	}
	if r&DeviceConnect != 0 {
		words = append(words, "DeviceConnect")
	}
	return strings.Join(words, ", ")
}

// Policy is a shared access policy: who holds one of its keys has its rights.
type Policy struct {
	Name               string
	Primary, Secondary []byte // 16 to 64 bytes each
	Rights             Rights
}

func (p *Policy) check() error {
	if p.Name == "" || len(p.Name) > 64 {
		return fmt.Errorf("the name has %d characters; it must have 1 to 64", len(p.Name))
	}
	for _, k := range [][]byte{p.Primary, p.Secondary} {
		if len(k) < 16 || len(k) > 64 {
			return fmt.Errorf("%s: a key has %d bytes; it must have 16 to 64", p.Name, len(k))
		}
	}
	return nil
}

// DefaultPolicies are the policies every hub has from the start; key is called
// for each of their keys. [Azure IoT Hub: "Control access to IoT Hub", access
// control and permissions]
func DefaultPolicies(key func() []byte) []Policy {
	list := []Policy{
		{Name: "iothubowner", Rights: AllRights},
		{Name: "service", Rights: ServiceConnect},
		{Name: "device", Rights: DeviceConnect},
		{Name: "registryRead", Rights: RegistryRead},
		{Name: "registryReadWrite", Rights: RegistryRead | RegistryWrite},
	}
	for i := range list {
		list[i].Primary, list[i].Secondary = key(), key()
	}
	return list
}

func unauthorized(text string) *RESTError {
	return refuse(http.StatusUnauthorized, "IotHubUnauthorized", "%s", text)
}

// decoy is the key that tokens of unknown policies are held against, so that
// their refusal takes as long as any other.
var decoy = make([]byte, 32)

// authorize says what the bearer of the request's token may do.
func (r *request) authorize() (Rights, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return 0, unauthorized("send one header Authorization with a shared access signature")
	}
	t, err := sas.Parse(headers[0])
	if err != nil {
		return 0, unauthorized(err.Error())
	}
	p := Policy{Primary: decoy, Secondary: decoy}
	for _, known := range r.cfg.Policies {
		if strings.EqualFold(known.Name, t.Policy) {
			p = known
		}
	}
	signed := t.Verify(p.Primary)
	if !signed {
		signed = t.Verify(p.Secondary)
	}
	switch {
	case !signed || p.Name == "":
		return 0, unauthorized("the token's signature is not one of the policy's keys'")
	case t.Expired(sim.Date(r.cfg.Now().Unix())):
		return 0, unauthorized(fmt.Sprintf("the token expired at %s, and here it is %s; sign a new one, by a clock that is right",
			clockTime(t.Expiry), clockTime(sim.Date(r.cfg.Now().Unix()))))
	}
	for _, host := range r.cfg.Hosts {
		if t.Covers(sas.Encode(host) + r.URL.EscapedPath()) {
			return p.Rights, nil
		}
	}
	return 0, unauthorized("the token is for another hub or resource; this hub is " + r.cfg.Hosts[0])
}

// clockTime writes a date as the service does, a very far one as a number.
func clockTime(d sim.Date) string {
	if y := time.Unix(int64(d), 0).UTC().Year(); y < 1 || y > 9999 {
		return strconv.FormatInt(int64(d), 10)
	}
	return time.Unix(int64(d), 0).UTC().Format(time.RFC3339)
}

// Token returns a token of a policy for a whole hub, good until expiry.
func (p *Policy) Token(host string, expiry sim.Date) string {
	return sas.Sign(sas.Encode(host), p.Primary, expiry, p.Name)
}
