package costs

import "slices"

// server is the block that most rows are about.
const server = `openvpn_server "office"/`

// everybody is a row that restarts the server.
func everybody(path, value string) Row {
	return Row{Path: server + path, Value: value, Loses: Everybody}
}

// nobody is a row that is heeded when a client connects the next time.
func nobody(path, value string) Row { return Row{Path: server + path, Value: value} }

func (r Row) back() Row  { r.Back = true; return r }
func (r Row) void() Row  { r.New = Everybody; return r }
func (r Row) works() Row { r.Works = true; return r }

// bob is one of the two.
var bob = []string{"bob"}

// Parts are the rows, in an order in which each can follow on the ones before of its
// part.
func Parts() [][]Row {
	return [][]Row{
		slices.Concat(addresses(), one(), []Row{everybody("explicit_exit_notify", `false`)}),
		slices.Concat(groups(), told(), toldOne(), channel()[:6]),
		slices.Concat(sizes(), process(), authority(), others()),
		slices.Concat(channel()[6:], passwords()),
	}
}

func addresses() []Row {
	return []Row{
		everybody("network", `"10.9.0.0/24"`),
		everybody("network6", `"fd00:9::/64"`),
		everybody("listen", `["udp/1195"]`).void(),
		nobody("processes", `"one"`), // of one listener there is one in any case
		nobody("remote", `"vpn.example.com"`).void().works(),
		nobody("remotes", `["203.0.113.1"]`), // the profiles that people have lead where they did
		everybody("dev", `"tun7"`),
		everybody(`listener "udp/1195"/network`, `"10.9.0.0/25"`),
		everybody(`listener "udp/1195"/network6`, `"fd00:9::/80"`),
		everybody(`listener "udp/1195"/dev`, `"tun8"`),
		everybody("topology", `"net30"`).back(),
		everybody("dco", `"false"`),
		everybody("max_clients", `50`),
		everybody("client_to_client", `true`),
		everybody("duplicate_cn", `true`).back(),
		everybody("ccd_exclusive", `true`),
		everybody("keepalive/ping", `"5s"`),
		everybody("keepalive/restart", `"60s"`),
		everybody("pool/start", `"10.9.0.50"`),
		everybody("pool/end", `"10.9.0.99"`),
		everybody("pool/persist", `false`),
	}
}

// one are those of one client's file, which is read when they connect.
func one() []Row {
	return []Row{
		nobody(`client "bob"/address`, `"10.9.0.9"`),
		nobody(`client "bob"/address6`, `"fd00:9::9"`),
		nobody(`client "bob"/options`, `["push \"ping 11\""]`),
		everybody(`client "bob"/routes`, `["192.168.77.0/24"]`),
		{Path: server + `client "bob"/disabled`, Value: `true`, Loses: bob, Out: true, Back: true},
	}
}

// pushes are what clients are told, all of them or one.
func pushes(row func(path, value string) Row) []Row {
	return []Row{
		row("push/routes", `["10.1.0.0/16"]`),
		row(`push/route "10.3.0.0/16"/metric`, `50`),
		row("push/exclude_routes", `["10.1.7.0/24"]`),
		row("push/dns", `["10.0.0.2"]`),
		row("push/domain", `"example.com"`),
		row("push/search_domains", `["example.net"]`),
		row("push/block_outside_dns", `true`),
		row("push/block_ipv6", `true`),
		row("push/options", `["sndbuf 393216"]`),
		row("push/redirect_gateway", `true`).back(),
	}
}

func told() []Row { return pushes(everybody) }

func toldOne() []Row {
	return pushes(func(path, value string) Row { return nobody(`client "bob"/`+path, value) })
}

// groups are of parts of the network with what holds there; who moves is sent away.
func groups() []Row {
	const group = `group "contractors"/`
	six := everybody(group+"network6", `"fd00:8::100/120"`).back()
	six.With = []Row{{Path: server + "network6", Value: `"fd00:8::/112"`}}
	rows := []Row{
		everybody(group+"network", `"10.8.0.128/26"`),
		six,
		{Path: server + `client "bob"/group`, Value: `"contractors"`, Loses: bob},
		nobody(group+"routes", `["10.4.0.0/16"]`),
		nobody(group+"reach", `["10.4.0.0/16", "10.8.0.1/32"]`),
	}
	return append(rows, pushes(func(path, value string) Row { return nobody(group+path, value) })...)
}

// passwords are of what people are asked for besides. Here they have a file that says it,
// so that a profile of before, which does not ask, lets them in too.
func passwords() []Row {
	accounts := func(path, value string) Row {
		r := everybody("auth/"+path, value)
		r.Not = "PAM asks for the accounts and seeds of people, which alice and bob have not"
		return r
	}
	challenge := everybody("auth/challenge", `"Code"`).void()
	challenge.Not = "somebody has to be there who types the answer"
	return []Row{
		everybody("auth/command", `["/bin/true"]`).void().works(),
		everybody("auth/username", `"any"`),
		everybody("auth/certificate", `"optional"`),
		everybody("auth/token/lifetime", `"1h"`),
		everybody("auth/token/idle", `"10m"`),
		challenge,
		accounts("pam/service", `"login"`), accounts("pam/include", `"common-account"`), accounts("pam/answers", `{}`), accounts("pam/plugin", `"/x.so"`),
		accounts("totp/issuer", `"Acme"`), accounts("totp/package", `false`),
	}
}

func channel() []Row {
	return []Row{
		everybody("tls/min_version", `"1.3"`).back(),
		everybody("tls/ciphers", `["TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384"]`),
		everybody("tls/ciphersuites", `["TLS_AES_256_GCM_SHA384"]`),
		everybody("tls/groups", `["secp384r1", "prime256v1"]`),
		everybody("tls/cert_profile", `"legacy"`),
		everybody("tls_crypt_v2_verify", `true`).back(),
		everybody("data_ciphers", `["AES-128-GCM"]`),
		everybody("digest", `"SHA512"`), // heeded by no cipher that is there
		everybody("data_ciphers_fallback", `"AES-256-CBC"`).back(),
		everybody("cipher", `"AES-256-CBC"`).back(),
		everybody("tls_key", `"tls-crypt"`).void(),
		everybody("reneg_sec", `"2h"`),
		everybody("dh", `2048`),
	}
}

func sizes() []Row {
	return []Row{
		everybody("mtu", `1400`),
		everybody("mssfix", `1300`),
		everybody("fragment", `1200`).void().back(),
		everybody("compression", `"migrate"`).back(),
	}
}

func process() []Row {
	return []Row{
		everybody("user", `"daemon"`),
		everybody("group", `"daemon"`),
		everybody("log", `"/var/log/openvpn-office.log"`),
		everybody("status", `"/run/openvpn-server/office/status"`),
		everybody("verb", `4`),
		everybody("options", `["sndbuf 393216"]`),
		nobody("package", `false`),
		nobody("firewall", `false`),
		nobody("profiles", `"/var/lib/vpnd/profiles/elsewhere"`),
		everybody("management", `false`).back(),
	}
}

const ca = `pki "office"/`

func authority() []Row {
	quietly := func(path, value string) Row { return Row{Path: ca + path, Value: value} }
	// Under another name all that the CA signed would be void.
	another := func(path, value string) Row {
		return Row{Path: ca + "subject/" + path, Value: value, Refused: "under another name all that it signed"}
	}
	return []Row{
		quietly("ca_validity", `"3000d"`),
		quietly("cert_validity", `"400d"`),
		quietly("renew_before", `"60d"`),
		quietly("crl_validity", `"90d"`),
		another("common_name", `"Acme CA"`),
		another("organization", `"Acme"`),
		another("organizational_unit", `"IT"`),
		another("country", `"US"`),
		another("province", `"Manhattan"`),
		another("locality", `"New York City"`),
		another("email", `"it@example.com"`),
		quietly(`server "server"/validity`, `"300d"`),
		quietly(`client "bob"/validity`, `"300d"`),
		quietly(`revoke/serial`, `"1234"`),
		quietly(`revoke/common_name`, `"mallory"`),
		quietly(`crl`, `"/var/lib/vpnd/pki/office/list.pem"`),
		quietly(`ca_key_away`, `true`),
		// Another certificate for the same key: that of before is good until it runs out.
		{Path: ca + `client "bob"/dns_names`, Value: `["bob.example.com"]`, New: bob, Works: true},
		{Path: ca + `server "server"/dns_names`, Value: `["vpn.example.com"]`, Loses: Everybody},
		// Somebody else, who was given nothing yet.
		{Path: ca + `client "bob"/common_name`, Value: `"robert"`, Loses: bob, Out: true, Back: true, Anew: bob},
		{Path: ca + `client "bob"/revoked`, Value: `true`, Loses: bob, Out: true, Back: true, Anew: bob},
		{Path: ca + `client "bob"/csr`, Value: `true`, Not: "who has the key elsewhere is another client, whose profile lets nobody in by itself"},
		{Path: ca + `server "server"/common_name`, Value: `"gateway"`, Loses: Everybody, New: Everybody},
		{Path: server + `client "bob"/revoked`, Value: `true`, Refused: "the PKI tells who is revoked"},
		{Path: ca + `ca_key_pem`, Not: "it is a secret that is lent for one apply, and nothing that stands"},
		{Path: ca + `parent_key_pem`, Not: "it is a secret that is lent for one apply, and nothing that stands"},
		quietly(`key`, `"ecdsa-p384"`), // of keys to come, see vpnd pki rekey
		// The same CA, elsewhere.
		imported(quietly("ca_certificate", `"/etc/ca/ca.crt"`), "ca_key_away", "", "ca_key", `"/etc/ca/ca.key"`),
		quietly("ca_key", `"/etc/ca/again.key"`),
		quietly("issued", `"/etc/ca/index.txt"`),
		{Path: ca + `directory`, Value: `"/var/lib/vpnd/pki/elsewhere"`, Loses: Everybody, New: Everybody},
	}
}

// others are rows of another certificate and another CA for the server.
func others() []Row {
	gate := everybody("server", `"gate"`).void()
	gate.First = []Row{{Path: ca + `server "gate"/validity`, Value: `"300d"`}}
	home := everybody("pki", `pki.home`).void()
	home.With = []Row{{Path: server + "server"}}
	for _, path := range []string{`server "server"/validity`, `client "alice"/validity`, `client "bob"/validity`} {
		home.First = append(home.First, Row{Path: `pki "home"/` + path, Value: `"300d"`})
	}
	home.First = append(home.First, Row{Path: `pki "home"/subject/common_name`, Value: `"Home CA"`})
	// The CA's certificate is another one with the same key, in every profile.
	domains := everybody("", `["example.com"]`).void().works()
	domains.Path = `pki "home"/permitted_domains`
	// Without a CA everybody has other keys.
	peers := everybody("peer_fingerprint", `true`).void()
	peers.With = []Row{{Path: server + "pki"}, {Path: server + `client "alice"/disabled`, Value: `false`}, {Path: server + `client "bob"/disabled`, Value: `false`}}
	rows := append([]Row{gate, home}, levels()...)
	return append(rows, domains, Row{Path: `pki "home"/ca_generation`, Value: `2`, Loses: Everybody}, peers)
}

// levels are rows of CAs below others. A CA that is certified anew keeps its key, so that
// the profiles that people have are good until the certificate in them runs out.
func levels() []Row {
	length := everybody("", `1`).void().works().back()
	length.Path = `pki "home"/path_length`
	below := everybody("", `pki.root`).void().works().back()
	below.Path = `pki "home"/parent`
	below.First = []Row{{Path: `pki "root"/subject/common_name`, Value: `"Root CA"`}, {Path: `pki "root"/path_length`, Value: `1`}}
	return []Row{length, below}
}

// imported is a row of a CA that is imported, which takes its certificate and its key.
func imported(r Row, with ...string) Row {
	for i := 0; i < len(with); i += 2 {
		r.With = append(r.With, Row{Path: ca + with[i], Value: with[i+1]})
	}
	return r
}
