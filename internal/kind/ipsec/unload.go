package ipsec

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"slices"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/ipsec/vici"
)

// unload ends what charon has of a connection. It is unloaded first, or what ends
// would be begun anew.
func (v Verbs) unload(ctx context.Context, d *daemon, name string) error {
	if d.down {
		return nil
	}
	conn, err := vici.Dial(ctx, v.Socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.UnloadConn(ctx, name); err != nil {
		return fmt.Errorf("unloading the connection: %w", err)
	}
	sas, err := conn.SAs(ctx)
	if err != nil {
		return err
	}
	for _, sa := range sas {
		if sa.Name != name {
			continue
		}
		if err := conn.Terminate(ctx, sa.ID, farewell); err != nil && !gone(err) {
			return fmt.Errorf("ending its SAs: %w", err)
		}
	}
	if err := conn.UnloadShared(ctx, secretOf(name)); err != nil {
		return fmt.Errorf("unloading the pre-shared key: %w", err)
	}
	if err := v.unloadKeys(ctx, conn, d, name); err != nil {
		return fmt.Errorf("unloading the private key: %w", err)
	}
	delete(d.configs, name)
	delete(d.record.Connections, name)
	return d.record.write(v.Record)
}

// unloadKeys unloads the private keys that belong to the certificates of a connection that
// was unloaded, also those from before one was renewed with another key. A key stays that
// may be another connection's, whoever loaded that. CAs and revocation lists charon keeps
// until it ends: vici has it forget those of everybody, or none.
func (v Verbs) unloadKeys(ctx context.Context, conn *vici.Conn, d *daemon, name string) error {
	others := d.provers(name)
	if slices.ContainsFunc(others, func(a vici.Auth) bool { return maybeSame(a, d.configs[name].Local) }) {
		return nil
	}
	data, err := atomic.ReadFile(v.Root, fileOf(name), limit)
	if err != nil {
		return nil // nothing tells what belonged to it
	}
	loaded, err := conn.Certs(ctx)
	if err != nil {
		return err
	}
	for _, path := range parse(name, string(data)).Local.Certificates {
		own, err := v.reader(path)
		if err != nil {
			continue // nor here
		}
		ids, elsewhere := keysOf(own, loaded)
		for _, id := range ids {
			if len(others) > 0 && slices.Contains(elsewhere, id) {
				continue
			}
			if err := conn.UnloadKey(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// provers are how the other connections prove who this side is, by a private key.
func (d *daemon) provers(name string) (all []vici.Auth) {
	for other, config := range d.configs {
		for _, a := range config.Local {
			if other != name && a.Class != classes["psk"] {
				all = append(all, a)
			}
		}
	}
	return all
}

// maybeSame says whether a certificate may be one of these. Charon tells subjects alone,
// and none where it takes whichever fits.
func maybeSame(a vici.Auth, own []vici.Auth) bool {
	return len(a.Certs) == 0 || !slices.ContainsFunc(own, func(o vici.Auth) bool { return len(o.Certs) > 0 }) ||
		slices.ContainsFunc(own, func(o vici.Auth) bool {
			return slices.ContainsFunc(o.Certs, func(subject string) bool { return slices.Contains(a.Certs, subject) })
		})
}

// keysOf are the ids of the keys of a certificate and of those that are loaded with its
// subject, and elsewhere those of the other ones.
func keysOf(own []byte, loaded [][]byte) (ids, elsewhere []string) {
	cert, err := x509.ParseCertificate(der(own))
	if err != nil {
		return nil, nil // charon has not taken it either
	}
	ids = append(ids, keyID(cert))
	for _, data := range loaded {
		c, err := x509.ParseCertificate(data)
		switch {
		case err != nil:
		case bytes.Equal(c.RawSubject, cert.RawSubject):
			ids = append(ids, keyID(c))
		default:
			elsewhere = append(elsewhere, keyID(c))
		}
	}
	return ids, elsewhere
}

// keyID is how charon calls the private key of a certificate: by the hash of the public
// one, without its algorithm.
func keyID(cert *x509.Certificate) string {
	var public struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	_, _ = asn1.Unmarshal(cert.RawSubjectPublicKeyInfo, &public) // as it was parsed with the certificate
	hash := sha1.Sum(public.Key.Bytes)
	return hex.EncodeToString(hash[:])
}
