// Package ssh turns an ssh_tunnel block into a tunnel of OpenSSH that is kept up and
// watched, and an ssh_tunnel_account block into the account that it dials, which is
// good for nothing else.
//
// ssh reads a configuration of its own and nothing of the host's or of anybody's
// home. It trusts the host keys that the block pins and no others, and has its
// private key from systemd, so that the file itself is root's alone.
package ssh

import (
	kindssh "vpnd/internal/kind/ssh"
	"vpnd/internal/resource"
)

// Tunnel is an SSH tunnel: forwards in both directions over one connection.
type Tunnel struct {
	Host     *string  `vpnd:"host,required" doc:"whom it dials: a name or an address, with :PORT where it is not 22"`
	User     *string  `vpnd:"user,required" doc:"the account there"`
	HostKey  *string  `vpnd:"host_key" doc:"the host key of the peer, as in ssh-ed25519 AAAA…, which vpnd ssh-hostkey HOST shows; another one is refused"`
	HostKeys []string `vpnd:"host_keys" doc:"host keys of the peer, where it has or will have several; instead of host_key"`
	Key      *Key     `vpnd:"key,exports" doc:"the private key, as in key = private_key[\"/etc/vpnd/keys/db\"], its format openssh; left out, one is made, whose public half vpnd show tells"`
	KeyFile  *string  `vpnd:"key_file" doc:"path of a private key that no block makes, instead of key; ssh-keygen -y reads it without a passphrase"`
	KeyType  *string  `vpnd:"key_algorithm" doc:"of the key that is made: ed25519, ecdsa-p256, ecdsa-p384, ecdsa-p521, rsa-2048, rsa-3072 or rsa-4096" default:"ed25519"`

	Locals  []Local  `vpnd:"local,block" doc:"a port or socket here that leads to the peer's side, as ssh -L"`
	Remotes []Remote `vpnd:"remote,block" doc:"a port or socket of the peer that leads to this side, as ssh -R"`
	Socks   []Socks  `vpnd:"socks,block" doc:"a SOCKS proxy here whose connections the peer makes, as ssh -D"`

	Keepalive      *resource.Duration `vpnd:"keepalive" doc:"how long the peer may be silent until it is asked whether it lives; after three questions without an answer it is dialled anew" default:"3s"`
	ConnectTimeout *resource.Duration `vpnd:"connect_timeout" doc:"how long an attempt may take" default:"10s"`
	Retry          *resource.Duration `vpnd:"retry" doc:"pause before it is dialled anew, which grows by a second with each attempt, by three at most" default:"2s"`
	SocketMode     *resource.Mode     `vpnd:"socket_mode" doc:"permissions of sockets that it listens at; with 0660 members of the group vpnd-ssh-NAME may connect" default:"0600"`
	Package        *bool              `vpnd:"package" doc:"install the package openssh-client" default:"true"`
}

// Key is what a tunnel has to know of a private_key block.
type Key struct {
	Name   string  `vpnd:"name" doc:"its path"`
	Format *string `vpnd:"format" doc:"pkcs8 or openssh"`
}

// Local is a port or socket here.
type Local struct {
	Listen *string            `vpnd:"listen,required" doc:"where it listens: ADDRESS:PORT, or a socket below /run/vpnd-ssh-NAME"`
	To     *string            `vpnd:"to,required" doc:"where it leads: HOST:PORT as the peer sees it, or the path of a socket there"`
	Probe  *resource.Duration `vpnd:"probe" doc:"how often it is tried by a connection that says nothing; 0s is never, as for MySQL, which shuts out who does so" default:"1m"`
}

// Remote is a port or socket of the peer.
type Remote struct {
	Listen *string `vpnd:"listen,required" doc:"where the peer listens: PORT for its loopback addresses, ADDRESS:PORT where its sshd has GatewayPorts clientspecified, or the path of a socket"`
	To     *string `vpnd:"to,required" doc:"where it leads: HOST:PORT as this host sees it, or the path of a socket here"`
}

// Socks is a SOCKS proxy here. A block called dynamic would be one of HCL itself.
type Socks struct {
	Listen *string `vpnd:"listen,required" doc:"where it listens: ADDRESS:PORT"`
}

// Exports is what other blocks may know of a tunnel.
type Exports struct {
	Name      string   `vpnd:"name"`
	Tunnel    string   `vpnd:"tunnel" doc:"address of the resource that tells how it stands"`
	Unit      string   `vpnd:"unit" doc:"its unit of systemd"`
	User      string   `vpnd:"system_user" doc:"the account here that it runs under"`
	PublicKey string   `vpnd:"public_key" doc:"path of its public key"`
	Listen    []string `vpnd:"listen" doc:"where it listens here"`
}

// Exports tells other blocks where things are.
func (t *Tunnel) Exports(name string) any {
	p := kindssh.Place(name)
	return &Exports{
		Name: name, Tunnel: id("ssh_forward", name).String(), Unit: p.Unit(), User: p.User(),
		PublicKey: t.keyOf(name) + ".pub", Listen: t.listens(),
	}
}

// listens are all places here at which it listens.
func (t *Tunnel) listens() []string {
	all := []string{}
	for _, l := range t.Locals {
		all = append(all, resource.Or(l.Listen, ""))
	}
	for _, d := range t.Socks {
		all = append(all, resource.Or(d.Listen, ""))
	}
	return all
}

// keyOf is the path of the private key, be it given or made.
func (t *Tunnel) keyOf(name string) string {
	if t.Key != nil {
		return t.Key.Name
	}
	return resource.Or(t.KeyFile, vault+"/"+name)
}

// vault is the directory of the keys that are made.
const vault = "/var/lib/vpnd/ssh"

func id(kind, name string) resource.ID { return resource.ID{Kind: kind, Name: name} }
