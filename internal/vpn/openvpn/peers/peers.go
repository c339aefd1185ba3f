// Package peers is a server without a CA: it and each of its clients sign their own
// certificates, and know each other by fingerprints (OpenVPN's peer-fingerprint, since
// 2.6). To the rest of the server it looks like a PKI without a list.
package peers

import (
	"maps"
	"slices"

	"vpnd/internal/kind/file"
	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

// root is where keys and certificates are kept, a directory for each server.
const root = "/var/lib/vpnd/peers"

// life is how long certificates are good. Nobody but their fingerprint vouches for
// them, and a new one is a new fingerprint, so it is to be for good.
const life = "7300d"

// Authority is what a PKI would tell of the server, its clients, and those who were.
func Authority(server string, clients, revoked []string) *pki.Authority {
	directory := root + "/" + server
	a := &pki.Authority{
		Name: server, Directory: directory,
		Servers: map[string]pki.Pair{server: pair(directory+"/server", server)},
		Clients: make(map[string]pki.Pair, len(clients)),
		Revoked: slices.Sorted(slices.Values(revoked)),
		Refused: append([]string{}, slices.Sorted(slices.Values(revoked))...),
		Trusted: []string{directory + "/server.crt"},
	}
	for _, name := range clients {
		a.Clients[name] = pair(directory+"/clients/"+name, name)
	}
	return a
}

func pair(path, name string) pki.Pair {
	return pki.Pair{CommonName: name, Certificate: path + ".crt", Key: path + ".key"}
}

// Resources are the keys and certificates of all of them.
func Resources(a *pki.Authority) []resource.Resource {
	own, clients := id("directory", a.Directory), id("directory", a.Directory+"/clients")
	all := []resource.Resource{
		{ID: id("directory", root), Want: file.DirectoryOfRoot(0o700)},
		{ID: own, Want: file.DirectoryOfRoot(0o700), After: []resource.ID{id("directory", root)}},
		{ID: clients, Want: file.DirectoryOfRoot(0o700), After: []resource.ID{own}},
	}
	all = append(all, signed(a.Servers[a.Name], "server", own)...)
	key := all[len(all)-2].Want.(*pki.PrivateKey) // everybody's profile is void without it
	key.Certificate = resource.Ptr(a.Servers[a.Name].Certificate)
	for _, name := range slices.Sorted(maps.Keys(a.Clients)) {
		all = append(all, signed(a.Clients[name], "client", clients)...)
	}
	return all
}

func id(kind, name string) resource.ID { return resource.ID{Kind: kind, Name: name} }

// signed is a key with a certificate that it signed itself.
func signed(p pki.Pair, usage string, in resource.ID) []resource.Resource {
	lasts, early := days(life), days("30d")
	key := id(pki.KindPrivateKey, p.Key)
	return []resource.Resource{
		{ID: key, Want: &pki.PrivateKey{Mode: resource.Ptr(resource.Mode(0o600)), Owner: resource.Ptr("root"), Group: resource.Ptr("root")}, After: []resource.ID{in}},
		{ID: id(pki.KindCertificate, p.Certificate), After: []resource.ID{key}, Want: &pki.Certificate{
			Key: &p.Key, Usage: &usage, Subject: &pki.Subject{CommonName: p.CommonName}, Validity: &lasts, RenewBefore: &early,
			Mode: resource.Ptr(resource.Mode(0o644)), Owner: resource.Ptr("root"), Group: resource.Ptr("root"),
		}},
	}
}

// days reads a duration of this package.
func days(s string) resource.Duration {
	d, err := resource.ParseDuration(s)
	if err != nil {
		panic(err)
	}
	return d
}
