package revoked

import (
	"fmt"
	"slices"

	"vpnd/internal/kind/pki"
	"vpnd/internal/kind/wireguard"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// keyed is about interfaces of WireGuard, which know people by their keys: nobody gets a
// key, what is shared besides, or a profile back who was shut out, and who came in again
// since, with another key, keeps that.
func (e *Exempt) keyed(w way) error {
	for _, before := range w.back.Present {
		if before.ID.Kind != wireguard.Kind {
			continue
		}
		var back, now wireguard.Interface
		if err := decode(before, &back); err != nil {
			return err
		}
		at := slices.IndexFunc(w.now.Present, func(was state.Was) bool { return was.ID == before.ID })
		if at >= 0 {
			if err := decode(w.now.Present[at], &now); err != nil {
				return err
			}
		}
		shut, err := w.shut(before.ID)
		if err != nil {
			return err
		}
		if err := e.unpeer(before, back, now, append(shut, now.Revoked...), w); err != nil {
			return err
		}
	}
	return nil
}

func decode(was state.Was, shape any) error {
	if err := was.Decode(shape); err != nil {
		return fmt.Errorf("%s: %w", was.ID, err)
	}
	return nil
}

// shut are those whom an interface was told to keep out at some time since the snapshot.
func (w way) shut(id resource.ID) ([]string, error) {
	var all []string
	names, err := w.store.Snapshots()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if name <= w.snap.Name {
			continue
		}
		later, err := w.store.Snapshot(name)
		if err != nil {
			return nil, err
		}
		for _, was := range later.Present {
			if was.ID != id {
				continue
			}
			var then wireguard.Interface
			if err := decode(was, &then); err != nil {
				return nil, err
			}
			all = append(all, then.Revoked...)
		}
	}
	return all, nil
}

// is says whether one of these names that peer: a public key, or the file of one.
func is(all []string, p wireguard.Peer) bool {
	return slices.ContainsFunc(all, func(said string) bool {
		return p.KeyFile != nil && said == *p.KeyFile || p.PublicKey != nil && said == *p.PublicKey
	})
}

// unpeer is about one interface, as it was asked for before and is now.
func (e *Exempt) unpeer(before state.Was, back, now wireguard.Interface, shut []string, w way) error {
	var out []string
	touched := false
	for _, p := range back.Peers {
		if !is(shut, p) {
			continue
		}
		touched = true
		in := !is(now.Revoked, p) && slices.ContainsFunc(now.Peers, func(n wireguard.Peer) bool {
			return is([]string{resource.Or(n.KeyFile, resource.Or(n.PublicKey, ""))}, p)
		})
		if err := e.unkey(before.ID, p, in, w); err != nil {
			return err
		}
		if !in {
			out = append(out, resource.Or(p.KeyFile, resource.Or(p.PublicKey, "")))
			e.names[before.ID] = append(e.names[before.ID], p.Name)
		}
	}
	if !touched {
		return nil
	}
	kept, err := expelled(before, out)
	if err != nil {
		return err
	}
	e.keep = append(e.keep, kept)
	if _, stands := w.store.Record(before.ID); stands {
		return nil
	}
	for _, was := range w.snap.Present {
		if was.ID == before.ID {
			e.instead[was.ID], err = expelled(was, out)
		}
	}
	return err
}

// unkey is about what is of one peer, who is in now or was shut out.
func (e *Exempt) unkey(of resource.ID, p wireguard.Peer, in bool, w way) error {
	var own []resource.ID
	if p.PSKFile != nil {
		own = append(own, resource.ID{Kind: pki.KindWireGuardPSK, Name: *p.PSKFile})
	}
	for _, was := range w.back.Present {
		switch {
		case isKey(was.ID, p):
			_, stands := w.store.Record(was.ID)
			e.out[was.ID] = stands
			if in {
				continue
			}
			var key pki.WireGuardKey
			if err := decode(was, &key); err != nil {
				return err
			}
			key.Revoked = resource.Ptr(true)
			kept, err := shaped(was, &key)
			if err != nil {
				return err
			}
			e.keep, e.apart[was.ID] = append(e.keep, kept), !stands
		case was.ID.Kind == pki.KindAssembledFile && slices.Contains(was.After, of):
			held, err := read[struct {
				Holder *string `json:"holder"`
			}](was)
			if err != nil {
				return err
			}
			if resource.Or(held.Holder, "") != p.Name {
				continue
			}
			if in {
				e.keep = append(e.keep, was) // of the key that stands
				continue
			}
			own = append(own, was.ID)
		}
	}
	for _, id := range own {
		e.out[id], e.struck[id] = true, !in
	}
	return nil
}

// isKey says whether a thing is the private key of a peer, whose public one stands beside it.
func isKey(id resource.ID, p wireguard.Peer) bool {
	return id.Kind == pki.KindWireGuardKey && p.KeyFile != nil && *p.KeyFile == id.Name+".pub"
}

// expelled returns an interface that keeps some peers out for good.
func expelled(was state.Was, out []string) (state.Was, error) {
	var shape wireguard.Interface
	if err := decode(was, &shape); err != nil {
		return was, err
	}
	shape.Peers = slices.DeleteFunc(shape.Peers, func(p wireguard.Peer) bool { return is(out, p) })
	for _, one := range out {
		if !slices.Contains(shape.Revoked, one) {
			shape.Revoked = append(shape.Revoked, one)
		}
	}
	return shaped(was, &shape)
}

// shaped returns a thing in another shape, in which there is no secret.
func shaped(was state.Was, shape any) (state.Was, error) {
	var err error
	was.Shape, err = resource.Encode(shape, func(resource.Secret) any { return nil })
	return was, err
}
