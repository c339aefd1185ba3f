package profile

// The directives of OpenVPN 2.4 to 2.7, openvpn(8), by what becomes of them where a
// host dials in by itself. Those that need a closer look are in special.go.

func set(names ...string) map[string]bool {
	s := make(map[string]bool, len(names))
	for _, name := range names {
		s[name] = true
	}
	return s
}

// kept stay as they are: they say how to reach the server, who it is, and how both
// talk. None runs, loads, reads or writes anything.
var kept = set(
	"remote-random", "remote-random-hostname", "proto-force", "float", "bind-dev", "mark",
	"connect-retry", "connect-timeout", "server-poll-timeout", "hand-window", "tran-window", "tls-timeout", "explicit-exit-notify",
	"remote-cert-ku", "remote-cert-eku", "x509-username-field",
	"tls-version-max", "tls-cipher", "tls-ciphersuites", "tls-groups", "tls-cert-profile",
	"reneg-sec", "reneg-bytes", "reneg-pkts", "replay-window", "mute-replay-warnings", "keying-material-exporter",
	"tun-mtu", "tun-mtu-max", "tun-mtu-extra", "mssfix", "fragment", "mtu-disc", "mtu-test", "max-packet-size",
	"sndbuf", "rcvbuf", "socket-flags", "tcp-nodelay", "txqueuelen", "fast-io", "shaper", "passtos", "bcast-buffers", "tcp-queue-limit",
	"ping", "ping-restart", "keepalive", "ping-timer-rem", "session-timeout", "inactive",
	"persist-local-ip", "persist-remote-ip", "push-peer-info", "route-delay", "route-metric",
	"topology", "block-ipv6", "http-proxy-retry", "http-proxy-timeout", "socks-proxy-retry",
	"disable-dco", "allow-recursive-routing", "max-routes",
)

// replaced are those that vpnd decides: the device, the account, what is kept over a
// reconnection, how it is talked to and what it tells.
var replaced = set(
	"client", "pull", "tls-client", "nobind", "bind", "lport", "dev-type", "user", "group", "persist-key", "persist-tun", "verb", "mute", "up-delay",
	"resolv-retry", "auth-nocache", "suppress-timestamps", "machine-readable-output", "status-version", "ifconfig-nowarn", "ignore-unknown-option",
	"connect-retry-max", "preresolve", "remap-usr1", "single-session", "nice", "mlock", "allow-pull-fqdn", "management-log-cache", "auth-user-pass-optional",
)

// Decided says whether vpnd decides itself what a directive says.
func Decided(name string) bool { return replaced[name] || name == "dev" || name == "auth-retry" }

// windows are those that mean something on other systems only.
var windows = set(
	"block-outside-dns", "register-dns", "ip-win32", "route-method", "tap-sleep", "dhcp-renew", "dhcp-release", "dhcp-internal",
	"show-net-up", "pause-exit", "service", "windows-driver", "win-sys", "cryptoapicert", "allow-nonadmin", "show-adapters", "show-net",
	"show-valid-subnets", "tap-windows", "lladdr", "disable-occ", "echo", "dns", "dhcp-option",
)

// refused are those that run, load, read or write something, or are about another
// program than one that a unit keeps; and the way out.
var refused = map[string]string{
	"up": runs, "down": runs, "down-pre": runs, "up-restart": runs, "route-up": runs, "route-pre-down": runs, "ipchange": runs,
	"tls-verify": runs, "learn-address": runs, "dns-updown": runs, "script-security": runs, "iproute": runs, "route-noexec": runs, "ifconfig-noexec": runs,
	"plugin": loads, "engine": loads, "providers": loads, "pkcs11-providers": loads, "pkcs11-id": loads, "pkcs11-id-management": loads,
	"pkcs11-cert-private": loads, "pkcs11-pin-cache": loads, "pkcs11-private-mode": loads, "pkcs11-protected-authentication": loads, "show-pkcs11-ids": loads,
	"management": managed, "management-client": managed, "management-hold": managed, "management-query-passwords": managed, "management-query-proxy": managed,
	"management-query-remote": managed, "management-forget-disconnect": managed, "management-signal": managed, "management-up-down": managed,
	"management-client-auth": managed, "management-client-user": managed, "management-client-group": managed, "management-external-key": managed, "management-external-cert": managed,
	"daemon": unit, "inetd": unit, "cd": unit, "chroot": unit, "setcon": unit, "writepid": unit, "config": unit, "tmp-dir": unit,
	"log": logs, "log-append": logs, "syslog": logs, "status": logs, "errors-to-stderr": logs, "memstats": logs, "gremlin": logs,
	"replay-persist": writes, "tls-export-cert": writes, "genkey": writes, "mktun": writes, "rmtun": writes,
	"local":      "delete it; by which address it leaves is for the routes of this host",
	"auth-token": "delete it; the server gives one when it lets the client in", "http-proxy-user-pass": proxied,
	"dev-node":         "delete it; the device is /dev/net/tun",
	"capath":           "put the certificates of the CA between <ca> and </ca>",
	"pkcs12":           "take it apart, by openssl pkcs12 -in FILE -nodes: what it holds goes into <ca>, <cert> and <key>",
	"secret":           "ask for a profile with certificates; OpenVPN 2.8 refuses static keys",
	"static-challenge": "delete it; nobody is there to answer, so ask for an account that needs no second factor",
	"ping-exit":        "write ping-restart; a client that ends is started again in any case",
	"tls-exit":         "delete it; a client that ends is started again in any case",
	"ifconfig":         "delete it; the server says which address it has",
	"ifconfig-ipv6":    "delete it; the server says which address it has",
	"route-gateway":    hop, "route-ipv6-gateway": hop,
	"route-table": "delete it; what goes through the tunnel stands in the main table, and route blocks may name another",
	"client-nat":  "delete it; a gateway block translates addresses",
	"test-crypto": unit, "help": unit, "version": unit, "show-ciphers": unit, "show-digests": unit, "show-engines": unit,
	"show-tls": unit, "show-curves": unit, "show-groups": unit, "show-gateway": unit,
}

const (
	runs    = "delete it; nothing that a profile names is run as root here. What is to happen beside the tunnel has blocks of its own, as route, unit and gateway"
	loads   = "delete it; nothing that a profile names is loaded here. A key stands between <key> and </key>"
	managed = "delete it; vpnd has a management socket of its own"
	unit    = "delete it; systemd runs it, in the foreground"
	logs    = "delete it; the journal has what it says, and vpnd status how it stands"
	proxied = "let the proxy know this host by its address"
	hop     = "delete it; the server says what is on the other side of the tunnel, and routes by another way are route blocks"
	writes  = "delete it; nothing that a profile names is written here"
)

// gone are those that OpenVPN refuses or will refuse, and what took their place.
var gone = map[string]string{
	"ncp-disable": "delete it; data-ciphers decides", "keysize": "delete it; the cipher decides", "key-method": "delete it; method 2 is the only one",
	"no-iv": "delete it", "no-replay": "delete it; OpenVPN 2.7 refuses it", "tls-remote": "write verify-x509-name NAME name",
	"tun-ipv6": "delete it; it is always on", "prng": "delete it", "comp-noadapt": "delete it", "opt-verify": "delete it",
	"link-mtu": "write tun-mtu or mssfix", "ecdh-curve": "write tls-groups", "no-name-remapping": "delete it", "compat-names": "delete it",
	"verify-hash": "write peer-fingerprint, with the SHA-256 of the server's certificate", "x509-track": "delete it",
}

// server are those of the other side.
var server = set(
	"server", "server-ipv6", "server-bridge", "tls-server", "push", "push-reset", "push-remove", "client-config-dir", "ccd-exclusive",
	"client-connect", "client-disconnect", "client-crresponse", "client-to-client", "duplicate-cn", "max-clients", "max-routes-per-client",
	"ifconfig-pool", "ifconfig-ipv6-pool", "ifconfig-pool-persist", "ifconfig-pool-linear", "ifconfig-push", "ifconfig-ipv6-push", "iroute", "iroute-ipv6",
	"auth-gen-token", "auth-gen-token-secret", "auth-user-pass-verify", "tls-crypt-v2-verify", "tls-crypt-v2-max-age", "verify-client-cert", "client-cert-not-required",
	"username-as-common-name", "override-username", "port-share", "connect-freq", "connect-freq-initial", "hash-size", "stale-routes-check", "disable",
	"multihome", "vlan-accept", "vlan-pvid", "vlan-tagging", "bcast-relay", "force-tls-key-material-export",
)

// files are the directives whose first argument is a file, and whether all may read it.
var files = map[string]bool{
	"ca": true, "cert": true, "extra-certs": true, "crl-verify": true, "peer-fingerprint": true,
	"key": false, "tls-auth": false, "tls-crypt": false, "tls-crypt-v2": false, "auth-user-pass": false, "askpass": false,
}

// once are those of which two would leave it to OpenVPN which one counts.
var once = set("ca", "cert", "key", "tls-auth", "tls-crypt", "tls-crypt-v2", "auth-user-pass", "askpass", "crl-verify", "extra-certs", "verify-x509-name", "remote-cert-tls")
