package vici

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/strongswan/govici/vici"

	"vpnd/internal/kind/ipsec/swanctl"
)

// lists are the settings that charon takes as a list; load_conns.c of swanctl.
var lists = []string{"local_addrs", "remote_addrs", "proposals", "esp_proposals", "ah_proposals", "local_ts", "remote_ts", "vips", "pools", "groups", "cert_policy"}

// files are those whose items are files, of which charon wants what they hold.
var files = []string{"certs", "cacerts", "pubkeys"}

// A Reader returns what a file holds.
type Reader func(path string) ([]byte, error)

// LoadConn loads a connection, or replaces the one of that name, as swanctl
// --load-conns does with the same section.
func (c *Conn) LoadConn(ctx context.Context, conn *swanctl.Section, read Reader) error {
	m, err := section(conn, read)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, "load-conn", conn.Name, m)
	return err
}

func section(s *swanctl.Section, read Reader) (*vici.Message, error) {
	m := vici.NewMessage()
	for _, one := range s.Settings {
		var value any = one.Value
		if slices.Contains(lists, one.Key) || slices.Contains(files, one.Key) {
			items := strings.Split(one.Value, ",")
			for i := range items {
				items[i] = strings.TrimSpace(items[i])
			}
			if slices.Contains(files, one.Key) {
				for i, path := range items {
					data, err := read(path)
					if err != nil {
						return nil, err
					}
					items[i] = string(data)
				}
			}
			value = items
		}
		if err := m.Set(one.Key, value); err != nil {
			return nil, fmt.Errorf("%s: %w", one.Key, err)
		}
	}
	for _, inner := range s.Sections {
		sub, err := section(inner, read)
		if err != nil {
			return nil, err
		}
		if err := m.Set(inner.Name, sub); err != nil {
			return nil, fmt.Errorf("%s: %w", inner.Name, err)
		}
	}
	return m, nil
}

// UnloadConn unloads a connection. That there is none is no error.
func (c *Conn) UnloadConn(ctx context.Context, name string) error {
	_, err := c.do(ctx, "unload-conn", "name", name)
	var refused *RefusedError
	if errors.As(err, &refused) && strings.Contains(refused.Said, "not found") {
		return nil
	}
	return err
}

// LoadShared loads a pre-shared key of IKE, or replaces the one with that id, as
// swanctl --load-creds does with a section of that name.
func (c *Conn) LoadShared(ctx context.Context, id, secret string, owners []string) error {
	_, err := c.do(ctx, "load-shared", "id", id, "type", "IKE", "data", secret, "owners", owners)
	return err
}

// UnloadShared unloads a pre-shared key. That there is none is no error.
func (c *Conn) UnloadShared(ctx context.Context, id string) error {
	return c.unload(ctx, "unload-shared", c.Shared, id)
}

// UnloadKey unloads a private key, by the SHA-1 hash of its public half in hexadecimal.
// That there is none is no error.
func (c *Conn) UnloadKey(ctx context.Context, id string) error {
	return c.unload(ctx, "unload-key", c.Keys, id)
}

func (c *Conn) unload(ctx context.Context, command string, list func(context.Context) ([]string, error), id string) error {
	known, err := list(ctx)
	if err != nil || !slices.Contains(known, id) {
		return err
	}
	_, err = c.do(ctx, command, "id", id)
	return err
}

// Shared are the ids of the pre-shared keys that are loaded.
func (c *Conn) Shared(ctx context.Context) ([]string, error) { return c.ids(ctx, "get-shared") }

// Keys are the ids of the private keys that are loaded.
func (c *Conn) Keys(ctx context.Context) ([]string, error) { return c.ids(ctx, "get-keys") }

func (c *Conn) ids(ctx context.Context, list string) ([]string, error) {
	out, err := c.do(ctx, list)
	if err != nil {
		return nil, err
	}
	ids, _ := out.Get("keys").([]string)
	return ids, nil
}

// What a certificate is to charon.
const (
	CA  = "x509ca"
	CRL = "x509crl"
)

// LoadCert loads the certificate of a CA, or a revocation list.
func (c *Conn) LoadCert(ctx context.Context, what string, data []byte) error {
	pairs := []any{"type", "X509", "flag", "CA", "data", string(data)}
	if what == CRL {
		pairs = []any{"type", "X509_CRL", "flag", "NONE", "data", string(data)}
	}
	_, err := c.do(ctx, "load-cert", pairs...)
	return err
}

// LoadKey loads a private key.
func (c *Conn) LoadKey(ctx context.Context, data []byte) error {
	_, err := c.do(ctx, "load-key", "type", "any", "data", string(data))
	return err
}

// Initiate has charon begin to establish a child SA, and does not wait for it.
func (c *Conn) Initiate(ctx context.Context, name, child string) error {
	_, err := c.do(ctx, "initiate", "ike", name, "child", child, "timeout", "-1")
	return err
}

// Terminate ends an IKE SA with all its child SAs, and waits for that. A peer that
// does not answer is not waited for longer than that. Charon also says that it failed
// where the SA went otherwise meanwhile, as by a farewell of the peer.
func (c *Conn) Terminate(ctx context.Context, id string, wait time.Duration) error {
	_, err := c.do(ctx, "terminate", "ike-id", id, "force", "yes", "timeout", fmt.Sprint(wait.Milliseconds()))
	var refused *RefusedError
	if !errors.As(err, &refused) {
		return err
	}
	left, looking := c.SAs(ctx)
	if looking == nil && !slices.ContainsFunc(left, func(sa SA) bool { return sa.ID == id }) {
		return nil
	}
	return err
}
