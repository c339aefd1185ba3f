package vici

import (
	"context"
	"strings"

	"github.com/strongswan/govici/vici"
)

// A Config is a connection as charon has it loaded, in charon's words.
type Config struct {
	LocalAddrs  []string `vici:"local_addrs"`
	RemoteAddrs []string `vici:"remote_addrs"`
	Version     string   `vici:"version"`
	ReauthTime  int      `vici:"reauth_time"`
	RekeyTime   int      `vici:"rekey_time"`
	Unique      string   `vici:"unique"`
	DPDDelay    int      `vici:"dpd_delay"`
	DPDTimeout  int      `vici:"dpd_timeout"`
	PPK         string   `vici:"ppk_id"`
	Local       []Auth
	Remote      []Auth
	Children    map[string]Child `vici:"children"`
}

// An Auth is one round of authentication of a [Config].
type Auth struct {
	Class   string   `vici:"class"`
	ID      string   `vici:"id"`
	Certs   []string `vici:"certs"`
	CACerts []string `vici:"cacerts"`
}

// A Child is a child SA of a [Config].
type Child struct {
	Mode        string   `vici:"mode"`
	RekeyTime   int      `vici:"rekey_time"`
	RekeyBytes  int      `vici:"rekey_bytes"`
	DPDAction   string   `vici:"dpd_action"`
	CloseAction string   `vici:"close_action"`
	LocalTS     []string `vici:"local-ts"`
	RemoteTS    []string `vici:"remote-ts"`
}

// Configs are the connections that are loaded, by their names: all, or the one of that
// name.
func (c *Conn) Configs(ctx context.Context, one ...string) (map[string]Config, error) {
	messages, err := c.list(ctx, "list-conns", "list-conn", only(one))
	if err != nil {
		return nil, err
	}
	all := make(map[string]Config, len(messages))
	for _, m := range messages {
		for _, name := range m.Keys() {
			inner, ok := m.Get(name).(*vici.Message)
			if !ok {
				continue
			}
			one, err := config(inner)
			if err != nil {
				return nil, err
			}
			all[name] = one
		}
	}
	return all, nil
}

func config(m *vici.Message) (Config, error) {
	var c Config
	if err := vici.UnmarshalMessage(m, &c); err != nil {
		return c, err
	}
	for _, key := range m.Keys() {
		for prefix, to := range map[string]*[]Auth{"local-": &c.Local, "remote-": &c.Remote} {
			inner, ok := m.Get(key).(*vici.Message)
			if !ok || !strings.HasPrefix(key, prefix) {
				continue
			}
			var a Auth
			if err := vici.UnmarshalMessage(inner, &a); err != nil {
				return c, err
			}
			*to = append(*to, a)
		}
	}
	return c, nil
}

// An SA is an IKE SA, or one that is about to be.
type SA struct {
	Name        string           // of its connection
	ID          string           `vici:"uniqueid"`
	State       string           `vici:"state"` // ESTABLISHED, CONNECTING ...
	LocalHost   string           `vici:"local-host"`
	LocalID     string           `vici:"local-id"`
	RemoteHost  string           `vici:"remote-host"`
	RemotePort  string           `vici:"remote-port"`
	RemoteID    string           `vici:"remote-id"`
	Established int              `vici:"established"` // seconds ago
	RekeyTime   int              `vici:"rekey-time"`  // in how many seconds
	ReauthTime  int              `vici:"reauth-time"`
	TasksQueued []string         `vici:"tasks-queued"`
	TasksActive []string         `vici:"tasks-active"`
	Children    map[string]SAOut `vici:"child-sas"`
}

// An SAOut is a child SA that is there.
type SAOut struct {
	Name        string   `vici:"name"` // of the child
	ID          string   `vici:"uniqueid"`
	State       string   `vici:"state"` // INSTALLED, REKEYED ...
	BytesIn     uint64   `vici:"bytes-in"`
	BytesOut    uint64   `vici:"bytes-out"`
	RekeyTime   int      `vici:"rekey-time"`   // in how many seconds
	InstallTime int      `vici:"install-time"` // seconds ago
	LocalTS     []string `vici:"local-ts"`
	RemoteTS    []string `vici:"remote-ts"`
}

// only is what asks for one connection.
func only(one []string) *vici.Message {
	if len(one) == 0 {
		return nil
	}
	m := vici.NewMessage()
	_ = m.Set("ike", one[0]) // a string is always taken
	return m
}

// SAs are those that are there or about to be: all, or those of the connection of that
// name.
func (c *Conn) SAs(ctx context.Context, one ...string) ([]SA, error) {
	messages, err := c.list(ctx, "list-sas", "list-sa", only(one))
	if err != nil {
		return nil, err
	}
	var all []SA
	for _, m := range messages {
		for _, name := range m.Keys() {
			inner, ok := m.Get(name).(*vici.Message)
			if !ok {
				continue
			}
			one := SA{Name: name}
			if err := vici.UnmarshalMessage(inner, &one); err != nil {
				return nil, err
			}
			all = append(all, one)
		}
	}
	return all, nil
}

// Certs are the certificates that charon has, in DER.
func (c *Conn) Certs(ctx context.Context) ([][]byte, error) {
	in, err := message("type", "X509")
	if err != nil {
		return nil, err
	}
	messages, err := c.list(ctx, "list-certs", "list-cert", in)
	if err != nil {
		return nil, err
	}
	all := make([][]byte, 0, len(messages))
	for _, m := range messages {
		der, _ := m.Get("data").(string)
		all = append(all, []byte(der))
	}
	return all, nil
}
