package openvpn

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/vpn/mistakes"
)

var isDirective = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// gone are directives that OpenVPN refuses or will refuse, and what took their
// place.
var gone = map[string]string{
	"ncp-disable":              "delete it; data_ciphers decides",
	"ncp-ciphers":              "use the attribute data_ciphers",
	"keysize":                  "delete it; the cipher decides",
	"key-method":               "delete it; method 2 is the only one",
	"no-iv":                    "delete it",
	"no-replay":                "delete it; OpenVPN 2.7 refuses it",
	"ifconfig-pool-linear":     `use topology = "subnet"`,
	"client-cert-not-required": "write verify-client-cert none, if you must",
	"secret":                   "use certificates; OpenVPN 2.8 refuses static keys",
	"ns-cert-type":             "delete it; remote-cert-tls is always written",
	"ecdh-curve":               "use tls { groups = [...] }",
	"max-routes":               "delete it",
	"tls-remote":               "delete it; profiles verify the server's name",
	"tun-ipv6":                 "delete it; network6 decides",
	"win-sys":                  "delete it",
	"prng":                     "delete it",
	"comp-noadapt":             "delete it",
	"opt-verify":               "delete it",
	"link-mtu":                 "use the attribute mtu",
}

// owned are directives that attributes stand for, or that would make another
// thing of the server.
var owned = map[string]string{
	"port": "listen", "lport": "listen", "proto": "listen", "local": "listen", "bind": "listen", "nobind": "listen",
	"dev": "dev", "dev-type": "dev", "dev-node": "dev", "disable-dco": "dco", "mktun": "dev", "rmtun": "dev",
	"server": "network", "server-ipv6": "network6", "server-bridge": "network", "mode": "network", "tls-server": "network",
	"ifconfig": "network", "ifconfig-ipv6": "network6", "topology": "topology",
	"ifconfig-pool": "pool", "ifconfig-ipv6-pool": "network6", "ifconfig-pool-persist": "pool { persist }",
	"ca": "pki", "cert": "server", "key": "server", "pkcs12": "server", "crl-verify": "pki", "remote-cert-tls": "pki",
	"dh": "dh", "tls-auth": "tls_key", "tls-crypt": "tls_key", "tls-crypt-v2": "tls_key", "key-direction": "tls_key",
	"tls-version-min": "tls { min_version }", "tls-cipher": "tls { ciphers }", "tls-ciphersuites": "tls { ciphersuites }",
	"tls-groups": "tls { groups }", "tls-cert-profile": "tls { cert_profile }",
	"data-ciphers": "data_ciphers", "data-ciphers-fallback": "data_ciphers_fallback", "cipher": "data_ciphers_fallback", "auth": "digest",
	"comp-lzo": "compression", "compress": "compression", "allow-compression": "compression",
	"push": "push { options }", "keepalive": "keepalive", "ping": "keepalive", "ping-restart": "keepalive",
	"client-config-dir": "client", "ccd-exclusive": "ccd_exclusive", "client-to-client": "client_to_client",
	"duplicate-cn": "duplicate_cn", "max-clients": "max_clients",
	"user": "user", "group": "group", "persist-key": "user", "persist-tun": "user",
	"log": "log", "log-append": "log", "syslog": "log", "status": "status", "status-version": "status", "verb": "verb",
	"explicit-exit-notify": "explicit_exit_notify", "management": "management",
	"tun-mtu": "mtu", "mssfix": "mssfix", "fragment": "fragment", "reneg-sec": "reneg_sec",
}

// foreign are directives that have no place in the server of a unit.
var foreign = map[string]bool{
	"config": true, "daemon": true, "cd": true, "chroot": true, "inetd": true, "writepid": true, "genkey": true,
	"client": true, "tls-client": true, "pull": true, "remote": true, "askpass": true, "auth-user-pass": true,
	"test-crypto": true, "help": true, "version": true, "show-ciphers": true, "show-digests": true, "show-tls": true,
	"show-curves": true, "show-groups": true, "show-engines": true, "show-pkcs11-ids": true,
}

// programs are directives that run something.
var programs = map[string]bool{
	"up": true, "down": true, "ipchange": true, "route-up": true, "route-pre-down": true, "learn-address": true,
	"client-connect": true, "client-disconnect": true, "client-crresponse": true, "tls-verify": true,
	"tls-crypt-v2-verify": true, "auth-user-pass-verify": true, "plugin": true, "iproute": true, "script-security": true,
}

// inputs are directives whose first argument is read, or is a directory that is
// used.
var inputs = map[string]bool{
	"extra-certs": true, "capath": true, "auth-gen-token-secret": true, "tmp-dir": true, "tls-export-cert": true,
}

// ccdDirectives are what a client's file may hold, openvpn(8) under
// client-config-dir.
var ccdDirectives = map[string]bool{
	"push": true, "push-reset": true, "push-remove": true, "iroute": true, "iroute-ipv6": true,
	"ifconfig-push": true, "ifconfig-ipv6-push": true, "vlan-pvid": true, "disable": true,
}

// options checks directives that are written as they are.
func (c *check) options(path string, lines []string, udp, tcp bool) {
	for i, line := range lines {
		at := fmt.Sprintf("%s[%d]", path, i)
		words, ok := c.directive(at, line)
		if !ok {
			continue
		}
		name := words[0]
		attribute, isOwned := owned[name]
		switch {
		case gone[name] != "":
			c.Add(at, gone[name], "%s is gone from OpenVPN or about to go", name)
		case isOwned:
			c.Add(at, "use the attribute "+attribute, "%s is written by vpnd", name)
		case name == "memstats":
			c.Warn(at, "delete it before OpenVPN is upgraded", "OpenVPN 2.7 knows no %s and does not start with it", name)
		case name == "tls-crypt-v2-max-age":
			c.Add(at, "delete it; tls_crypt_v2_verify = true refuses who was revoked", "the keys of clients tell no time, so %s lets nobody in", name)
		case name == "port-share" && udp && !tcp:
			c.Add(at, `use listen = ["tcp/443"], or delete it`, "only TCP has connections that could be passed on")
		case foreign[name]:
			c.Add(at, "delete it", "%s has no place in a server that systemd runs", name)
		case programs[name]:
			c.Warn(at, "make sure that only root can write that program, and that it trusts nothing it is told", "%s lets OpenVPN run a program, with what clients send in its environment", name)
		case name == "verify-client-cert" && !slices.Equal(words[1:], []string{"require"}):
			c.Warn(at, "delete it, unless something else asks who they are", "clients get in without a certificate, so nobody can be revoked")
		}
	}
}

// checkOwned checks directives that an optional block stands for where that is
// given: a second one of its kind would take the place of the first, in silence.
func (s *Server) checkOwned(c *check) {
	taken := s.Auth.Takes()
	if s.verifies() {
		taken = maps.Clone(taken)
		if taken == nil {
			taken = make(map[string]string)
		}
		taken["tls-crypt-v2-verify"], taken["script-security"] = "tls_crypt_v2_verify", "tls_crypt_v2_verify, which sets it"
	}
	for i, line := range s.Options {
		if words, err := openvpn.Directive(line); err == nil && len(words) > 0 && taken[words[0]] != "" {
			c.Add(fmt.Sprintf("options[%d]", i), "use the attribute "+taken[words[0]], "%s is written by vpnd", words[0])
		}
	}
}

// clientOptions checks directives for the file of a client.
func (c *check) clientOptions(path string, lines []string) {
	for i, line := range lines {
		at := fmt.Sprintf("%s[%d]", path, i)
		words, ok := c.directive(at, line)
		switch {
		case !ok:
		case !ccdDirectives[words[0]]:
			c.Add(at, "write it under options of the server", "%s can't stand in the file of a client", words[0])
		case words[0] == "push" && len(words) != 2:
			c.Add(at, `put the directive in quotes, as in push "route 10.0.0.0 255.0.0.0"`, "push takes one word")
		case words[0] == "push":
			c.pushOption(at, words[1])
		}
	}
}

// pushOptions checks directives that clients are sent. There a comma ends one.
func (c *check) pushOptions(path string, lines []string) {
	for i, line := range lines {
		c.pushOption(fmt.Sprintf("%s[%d]", path, i), line)
	}
}

// pushOption checks what a client reads in turn.
func (c *check) pushOption(at, line string) {
	if _, ok := c.directive(at, line); ok && strings.Contains(line, ",") {
		c.Add(at, "write each as an entry of its own", "a comma would make two directives of it on the client")
	}
}

// directive returns the words of a directive, as OpenVPN reads them. It refuses
// whatever could be read as anything but one directive.
func (c *check) directive(at, line string) (words []string, ok bool) {
	if mistakes.HasControl(line) {
		c.Add(at, "write one directive on one line", "%q is no directive", line)
		return nil, false
	}
	words, err := openvpn.Directive(line)
	switch {
	case err != nil:
		c.Add(at, "write it as openvpn(8) does", "OpenVPN can't read %.60q: %v", line, err)
	case len(words) == 0:
		c.Add(at, "write one directive on one line", "%q is no directive", line)
	case !isDirective.MatchString(words[0]):
		c.Add(at, "write it as openvpn(8) does, without dashes before it; files can't stand inline", "%q is no name of a directive", words[0])
	default:
		return words, true
	}
	return nil, false
}
