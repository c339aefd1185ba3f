package ipsec

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/ipsec/swanctl"
	"vpnd/internal/kind/ipsec/vici"
	"vpnd/internal/resource"
)

// farewell is how long a peer is waited for that shall let go of an SA.
const farewell = 2 * time.Second

// renews says whether SAs that are up have to be made anew for a change. A rekeyed SA
// goes on with the settings it was made with, so whatever changes, but for remarks;
// and so has what somebody else loaded under the name.
func renews(name string, got, want *Connection) bool {
	otherwise := func(what string) bool { return !strings.HasPrefix(what, "/") && !strings.HasPrefix(what, "the ") }
	key := !*got.Keyed
	if want.PSK != nil {
		key = *got.PSK != *want.PSK
	}
	return key || !*got.Current || slices.ContainsFunc(got.Unloaded, otherwise) ||
		swanctl.Render(section(name, got)) != swanctl.Render(section(name, want))
}

// load has charon load what it lacks, and establish anew what was made otherwise.
// Where charon does not run it loads all by itself when it starts.
func (v Verbs) load(ctx context.Context, items []resource.Item[Connection]) error {
	d, err := v.daemon(ctx)
	if err != nil || d.down {
		return err
	}
	conn, err := vici.Dial(ctx, v.Socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := v.announce(d, items); err != nil {
		return err
	}
	err = resource.ApplyEach(items, func(i resource.Item[Connection]) error { return v.bring(ctx, conn, d, i) })
	return errors.Join(err, d.record.write(v.Record))
}

// announce writes down that connections are about to be loaded, and which SAs are
// not of what is loaded then.
func (v Verbs) announce(d *daemon, items []resource.Item[Connection]) error {
	for _, i := range items {
		l := d.record.Connections[i.Name]
		if i.Got == nil || renews(i.Name, i.Got, &i.Want) {
			l.Stale = d.newest()
		}
		if i.Got == nil || !*i.Got.Loaded || renews(i.Name, i.Got, &i.Want) {
			l.Files = map[string]time.Time{}
		}
		d.record.Connections[i.Name] = l
	}
	return d.record.write(v.Record)
}

// bring loads one connection, ends the SAs that are of the past, and begins to
// establish what starts by itself.
func (v Verbs) bring(ctx context.Context, conn *vici.Conn, d *daemon, i resource.Item[Connection]) error {
	l := d.record.Connections[i.Name]
	info, err := atomic.Stat(v.Root, fileOf(i.Name))
	if err != nil {
		return err
	}
	files := v.files(i.Name, &i.Want, info.Changed)
	if !maps.EqualFunc(files, l.Files, time.Time.Equal) || i.Got == nil || !*i.Got.Loaded {
		if err := v.loadOne(ctx, conn, i.Name, &i.Want); err != nil {
			return err
		}
		l.Files, l.Revoked = files, v.revocations(&i.Want)
	}
	if err := v.renew(ctx, conn, i, &l); err != nil {
		return err
	}
	d.record.Connections[i.Name] = l
	return nil
}

// loadOne loads a connection with all that it needs, as swanctl --load-all does.
func (v Verbs) loadOne(ctx context.Context, conn *vici.Conn, name string, c *Connection) error {
	for _, path := range c.Remote.CRLs {
		if err := feed(path, v.reader, func(data []byte) error { return conn.LoadCert(ctx, vici.CRL, data) }); err != nil {
			return err
		}
	}
	for _, path := range slices.Concat(c.Remote.CACerts, c.Remote.Above) {
		if err := feed(path, v.reader, func(data []byte) error { return conn.LoadCert(ctx, vici.CA, data) }); err != nil {
			return err
		}
	}
	if path := *c.Local.Key; path != "" {
		if err := feed(path, v.reader, func(data []byte) error { return conn.LoadKey(ctx, data) }); err != nil {
			return err
		}
	}
	var err error
	if c.PSK.Reveal() == "" {
		err = conn.UnloadShared(ctx, secretOf(name))
	} else {
		err = conn.LoadShared(ctx, secretOf(name), c.PSK.Reveal(), owners(c))
	}
	if err != nil {
		return fmt.Errorf("loading the pre-shared key: %w", err)
	}
	if err := conn.LoadConn(ctx, section(name, c), v.reader); err != nil {
		return fmt.Errorf("loading the connection: %w", err)
	}
	return nil
}

// feed gives charon what a file holds.
func feed(path string, read vici.Reader, load func([]byte) error) error {
	data, err := read(path)
	if err == nil {
		err = load(data)
	}
	if err != nil {
		return fmt.Errorf("loading %s: %w", path, err)
	}
	return nil
}

// renew ends SAs that were made otherwise, and begins to establish anew what was up
// or starts by itself. Charon does both itself for what starts by itself, when it
// loads something else in the place of what it had.
func (v Verbs) renew(ctx context.Context, conn *vici.Conn, i resource.Item[Connection], l *loaded) error {
	now := &daemon{sas: make(map[string][]vici.SA)}
	sas, err := conn.SAs(ctx)
	if err != nil {
		return err
	}
	was := make(map[string]bool)
	for _, sa := range sas {
		if sa.Name != i.Name || number(sa) > l.Stale {
			now.sas[sa.Name] = append(now.sas[sa.Name], sa)
			continue
		}
		for _, child := range sa.Children {
			was[child.Name] = true
		}
		if err := conn.Terminate(ctx, sa.ID, farewell); err != nil && !gone(err) {
			return fmt.Errorf("ending the SAs that were made before: %w", err)
		}
	}
	there := now.children(i.Name)
	tried := false
	for _, child := range i.Want.Children {
		if _, up := there[child.Name]; up || now.underway(i.Name) || !starts(child) && !was[child.Name] {
			continue
		}
		if err := conn.Initiate(ctx, i.Name, child.Name); err != nil {
			return fmt.Errorf("beginning to establish %s: %w", child.Name, err)
		}
		tried = true
	}
	if tried || slices.ContainsFunc(i.Want.Children, starts) {
		l.tried(time.Now(), i.Got != nil && !*i.Got.Started)
	}
	return nil
}

// tried notes a try, one more in a row where the last one came to nothing.
func (l *loaded) tried(now time.Time, again bool) {
	const calm = 10 * time.Minute // after which a new try has nothing to do with the last one
	if again && now.Sub(l.Tried) < max(2*l.wait(), calm) {
		l.Tries++
	} else {
		l.Tries = 0
	}
	l.Tried = now
}
