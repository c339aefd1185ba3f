package reason

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// What OpenVPN 2.6.14 says, as it was seen.
const (
	begins = `TCP/UDP: Preserving recently used remote address: [AF_INET]192.0.2.1:1194
UDPv4 link local: (not bound)
UDPv4 link remote: [AF_INET]192.0.2.1:1194
`
	verified = `VERIFY OK: depth=1, CN=TestCA
VERIFY KU OK
Validating certificate extended key usage
++ Certificate has EKU (str) TLS Web Server Authentication, expects TLS Web Server Authentication
VERIFY EKU OK
VERIFY OK: depth=0, CN=server
`
	fails = `TLS Error: TLS key negotiation failed to occur within 30 seconds (check your network connectivity)
TLS Error: TLS handshake failed
SIGUSR1[soft,tls-error] received, process restarting
`
	rejects = `OpenSSL: error:0A000086:SSL routines::certificate verify failed:
TLS_ERROR: BIO read tls_read_plaintext error
TLS Error: TLS object -> incoming plaintext read error
TLS Error: TLS handshake failed
SIGUSR1[soft,tls-error] received, process restarting
`
	tcp = "Attempting to establish TCP connection with [AF_INET]192.0.2.1:443\nTCP connection established with [AF_INET]192.0.2.1:443\nTCPv4_CLIENT link local: (not bound)\nTCPv4_CLIENT link remote: [AF_INET]192.0.2.1:443\n"

	connects = `Control Channel: TLSv1.3, cipher TLSv1.3 TLS_AES_256_GCM_SHA384, peer certificate: 256 bits ECprime256v1
[server] Peer Connection Initiated with [AF_INET]192.0.2.1:1194
`
	completes = "TUN/TAP device tun-hq opened\nInitialization Sequence Completed\n"
)

func TestExplain(t *testing.T) {
	if why, final := Explain(Tale{Peers: []string{"a"}}); why != "" || final {
		t.Errorf("of nothing it makes %q", why)
	}
	now := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		what, log string
		tale      Tale
		want      string
	}{
		{"nobody listens", begins + "read UDPv4 [ECONNREFUSED]: Connection refused (fd=4,code=111)\n" + fails + begins, Tale{State: "WAIT"}, "192.0.2.1:1194 refuses connections; does OpenVPN run there, on that port and protocol?"},
		{"nobody answers, at first", begins, Tale{State: "WAIT"}, "192.0.2.1:1194 does not answer: is it up"},
		{"nobody answers", begins + fails + begins, Tale{State: "WAIT", Shield: "tls-crypt"}, "With another tls-crypt key than its own it would not answer either"},
		{"nobody answers by tls-auth", begins + fails, Tale{State: "RECONNECTING", Shield: "tls-auth"}, "another tls-auth key"},
		{"another CA", begins + "VERIFY ERROR: depth=1, error=self-signed certificate in certificate chain: CN=TestCA, serial=69604\n" + rejects + begins, Tale{State: "AUTH"}, "192.0.2.1:1194 is not of the CA that is given"},
		{"another server", begins + "VERIFY X509NAME ERROR: CN=server, must be vpn.example.com\n" + rejects, Tale{}, "its certificate is for CN=server, and verify_x509_name wants vpn.example.com"},
		{"a server that is a client", begins + "VERIFY EKU ERROR\n" + rejects, Tale{}, "not for servers"},
		{"an expired server", begins + "VERIFY ERROR: depth=0, error=certificate has expired: CN=server, serial=2\n" + rejects, Tale{}, "its certificate (CN=server) has run out"},
		{"a server of tomorrow", begins + "VERIFY ERROR: depth=0, error=certificate is not yet valid: CN=server, serial=2\n" + rejects, Tale{}, "its certificate (CN=server) is not valid yet: see the clock"},
		{"a revoked server", begins + "VERIFY ERROR: depth=0, error=certificate revoked: CN=server, serial=2\n" + rejects, Tale{}, "a certificate that was revoked"},
		{"revoked", begins + verified + fails + begins + verified, Tale{State: "AUTH", Certificate: "/etc/openvpn/client/hq/client.crt"}, "192.0.2.1:1194 is there and does not take our certificate (/etc/openvpn/client/hq/client.crt): it is revoked"},
		{"revoked, at first", begins + verified, Tale{State: "AUTH", Certificate: "c"}, "does not take our certificate (c)"},
		{"revoked, by TCP", tcp + verified + "Connection reset, restarting [0]\nSIGUSR1[soft,connection-reset] received, process restarting\n" + tcp, Tale{State: "TCP_CONNECT", Certificate: "c"}, "192.0.2.1:443 is there and does not take our certificate (c)"},
		{"revoked, by the second of two", tcp + verified + "Connection reset, restarting [0]\nSIGUSR1[soft,connection-reset] received, process restarting\n" + begins + "read UDPv4 [ECONNREFUSED]: Connection refused (fd=4,code=111)\n" + fails + begins, Tale{State: "WAIT", Certificate: "c", Peers: []string{"a", "b"}}, "192.0.2.1:443 is there and does not take our certificate (c)"},
		{"ended by the server", tcp + verified + connects + completes + "Connection reset, restarting [0]\nSIGUSR1[soft,connection-reset] received, process restarting\n", Tale{State: "RECONNECTING", Certificate: "c"}, "192.0.2.1:443 ended the connection"},
		{"run out", begins + verified + fails, Tale{State: "AUTH", Certificate: "c", Ends: now.Add(-24 * time.Hour), Now: now}, "the certificate c has run out on 2026-01-01"},
		{"without a certificate", begins + verified + fails, Tale{State: "AUTH"}, "has no certificate"},
		{"refused by name", begins + verified + connects + "AUTH: Received control message: AUTH_FAILED,Account locked\nSIGUSR1[soft,auth-failure] received, process restarting\n" + begins, Tale{State: "WAIT", Login: true}, "192.0.2.1:1194 refuses the name or the password (Account locked)"},
		{"disabled there", begins + verified + connects + "AUTH: Received control message: AUTH_FAILED\nSIGUSR1[soft,auth-failure] received, process restarting\n", Tale{State: "RECONNECTING"}, "it is disabled there"},
		{"no such name", "RESOLVE: Cannot resolve host address: vpn.example.com:1194 (Temporary failure in name resolution)\nCould not determine IPv4/IPv6 protocol\nSIGUSR1[soft,init_instance] received, process restarting\n", Tale{State: "RESOLVE"}, "the name vpn.example.com can't be looked up (temporary failure in name resolution)"},
		{"refused by TCP", "Attempting to establish TCP connection with [AF_INET]192.0.2.1:443\nTCP: connect to [AF_INET]192.0.2.1:443 failed: Connection refused\nSIGUSR1[connection failed(soft),connection-failed] received, process restarting\n", Tale{State: "RECONNECTING"}, "192.0.2.1:443 refuses connections"},
		{"no route by TCP", "Attempting to establish TCP connection with [AF_INET6]2001:db8::1:443\nTCP: connect to [AF_INET6]2001:db8::1:443 failed: No route to host\n", Tale{State: "RECONNECTING"}, "2001:db8::1:443 can't be reached (no route to host)"},
		{"no network", begins + "write UDPv4 []: Network is unreachable (fd=5,code=101)\nNetwork unreachable, restarting\nSIGUSR1[soft,network-unreachable] received, process restarting\n", Tale{State: "RECONNECTING"}, "this host has no way to 192.0.2.1:1194"},
		{"silent after a while", begins + verified + connects + completes + "[server] Inactivity timeout (--ping-restart), restarting\nSIGUSR1[soft,ping-restart] received, process restarting\n", Tale{State: "RECONNECTING"}, "192.0.2.1:1194 was connected and is silent now"},
		{"silent for long", begins + completes + "[server] Inactivity timeout (--ping-restart), restarting\n" + begins + fails + begins + fails, Tale{State: "WAIT"}, "does not answer: is it up"},
		{"refused after it was connected", begins + completes + "read UDPv4 [ECONNREFUSED]: Connection refused (fd=4,code=111)\n", Tale{State: "RECONNECTING"}, "refuses connections"},
		{"it is fine", begins + verified + connects + completes, Tale{State: "ADD_ROUTES"}, "its interface is being set up"},
		{"it ended", "Options error: --ca fails with '/x': No such file or directory (errno=2)\nUse --help for more information.\n", Tale{}, "OpenVPN refuses its configuration: --ca fails with '/x'"},
		{"nothing is known", "", Tale{Peers: []string{"udp/vpn.example.com:1194"}, State: "WAIT"}, "udp/vpn.example.com:1194 does not answer"},
		{"another version of TLS", begins + fails + begins, Tale{State: "AUTH", Answered: true}, "192.0.2.1:1194 answers and breaks the handshake off"},
	} {
		if c.log != "" {
			c.tale.Log = strings.Split(strings.TrimSuffix(c.log, "\n"), "\n")
		}
		got, final := Explain(c.tale)
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", c.what, got)
		}
		against := regexp.MustCompile("certificate|refuses the name|AUTH_FAILED|that is given").MatchString(got)
		if final != (against && c.what != "revoked, at first") { // or the server is only slow
			t.Errorf("%s: final %v: %s", c.what, final, got)
		}
	}
}
