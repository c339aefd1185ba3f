package assembled

import (
	"strings"
	"testing"
)

// A copy stays good as long as all places that it leads to are there, in whatever order,
// and with whatever others.
func TestACopyStaysGoodWhereItLeadsToWhatIsThere(t *testing.T) {
	udp, tcp := "udp/vpn.example.com:1194", "tcp/vpn.example.com:443"
	of := func(key string, leads ...string) map[string]string {
		terms := map[string]string{"tls key": key}
		var ports, protocols []string
		for _, to := range leads {
			protocol, host, _ := strings.Cut(to, "/")
			_, port, _ := strings.Cut(host, ":")
			ports, protocols = append(ports, port), append(protocols, protocol)
		}
		terms["port"], terms["protocol"], terms[Leads] = strings.Join(ports, " "), strings.Join(protocols, " "), strings.Join(leads, " ")
		return terms
	}
	before := of("tls-crypt", udp, tcp) // as an earlier vpnd had it
	delete(before, Leads)
	for name, c := range map[string]struct {
		held, now map[string]string
		want      string
	}{
		"another order":             {of("tls-crypt", udp, tcp), of("tls-crypt", tcp, udp), ""},
		"one more":                  {of("tls-crypt", udp), of("tls-crypt", tcp, udp), ""},
		"one less":                  {of("tls-crypt", udp, tcp), of("tls-crypt", udp), "port protocol"},
		"another key, and order":    {of("tls-crypt", udp, tcp), of("tls-auth", tcp, udp), "tls key"},
		"ports have changed places": {of("tls-crypt", udp, tcp), of("tls-crypt", "udp/vpn.example.com:443", "tcp/vpn.example.com:1194"), "port"},
		"of an earlier vpnd":        {before, of("tls-crypt", udp, tcp), ""},
		"and then another port":     {before, of("tls-crypt", udp), "port protocol"},
		"networks in another order": {map[string]string{"networks": "10.0.0.0/16, 10.1.0.0/16"}, map[string]string{"networks": "10.1.0.0/16, 10.0.0.0/16"}, ""},
		"other networks":            {map[string]string{"networks": "10.0.0.0/16"}, map[string]string{"networks": "10.1.0.0/16, 10.0.0.0/16"}, "networks"},
	} {
		if got := strings.Join(new(AssembledFiles).Differ(c.held, c.now), " "); got != c.want {
			t.Errorf("%s: %q instead of %q", name, got, c.want)
		}
	}
}
