package revoked

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// A part is one of a list of fingerprints, as far as it matters here. Where nothing
// vouches for certificates but such a list, who is not on it was revoked.
type part struct {
	Text        *string `json:"text"`
	Fingerprint *string `json:"fingerprint"`
}

// fingerprinted returns the lists of fingerprints among things: no profiles, in which
// there is one of a server.
func fingerprinted(all []state.Was) ([]state.Was, error) {
	var lists []state.Was
	for _, was := range all {
		if was.ID.Kind != pki.KindAssembledFile {
			continue
		}
		given, err := read[struct {
			Holder *string `json:"holder"`
		}](was)
		if err != nil {
			return nil, err
		}
		certificates, err := listed(was)
		if err != nil {
			return nil, err
		}
		if given.Holder == nil && len(certificates) > 0 {
			lists = append(lists, was)
		}
	}
	return lists, nil
}

// listed are the certificates whose fingerprints a list holds.
func listed(list state.Was) ([]string, error) {
	l, err := read[struct {
		Parts []part `json:"part"`
	}](list)
	var all []string
	for i, p := range l.Parts {
		if isPeer(l.Parts, i) {
			all = append(all, *p.Fingerprint)
		}
	}
	return all, err
}

// isPeer says whether a part lets somebody in. A file may name CAs by their fingerprints
// too, which are nobody's and go back like all else.
func isPeer(parts []part, i int) bool {
	return i > 0 && parts[i].Fingerprint != nil && parts[i-1].Text != nil && *parts[i-1].Text == pki.PeerWord
}

// peers is about servers that know their clients by fingerprints and go on: nobody is let
// in again who is on their lists no more, and nobody's key is what it was.
func (e *Exempt) peers(w way) error {
	lists, err := fingerprinted(slices.Concat(w.back.Present, w.snap.Present))
	if err != nil {
		return err
	}
	done := make(map[resource.ID]bool)
	for _, before := range lists {
		if done[before.ID] {
			continue
		}
		done[before.ID] = true
		stand, stands, err := w.stand(before.ID)
		if err == nil && stand != nil {
			err = e.unlist(before, stand, stands, w)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stand returns the certificates of those on a list as it stands or, where its server is
// gone, of those who were there when that went; nil where an undo goes back to that very
// moment, and all of it comes back.
func (w way) stand(list resource.ID) (certificates []string, stands bool, err error) {
	is := func(was state.Was) bool { return was.ID == list }
	if at := slices.IndexFunc(w.now.Present, is); at >= 0 {
		all, err := listed(w.now.Present[at])
		return append([]string{}, all...), true, err
	}
	names, err := w.store.Snapshots()
	if err != nil {
		return nil, false, err
	}
	for _, name := range slices.Backward(names) {
		if name <= w.snap.Name {
			break
		}
		later, err := w.store.Snapshot(name)
		if err != nil {
			return nil, false, err
		}
		if !slices.ContainsFunc(later.Present, is) {
			continue
		}
		all := []string{}
		for _, was := range later.Present {
			if was.ID.Kind == pki.KindCertificate {
				all = append(all, was.ID.Name)
			}
		}
		return all, false, nil
	}
	return nil, false, nil
}

// unlist is about one list, as it was before and as it is now.
func (e *Exempt) unlist(before state.Was, stand []string, stands bool, w way) error {
	then, err := listed(before)
	if err != nil {
		return err
	}
	gone := 0
	for _, was := range slices.Concat(w.snap.Present, w.back.Present) {
		if was.ID.Kind != pki.KindCertificate || !slices.Contains(then, was.ID.Name) {
			continue
		}
		h, err := read[holder](was)
		if err != nil {
			return err
		}
		own := map[resource.ID]bool{was.ID: true, {Kind: pki.KindPrivateKey, Name: keyOf(was.ID.Name, h)}: true}
		still := slices.Contains(stand, was.ID.Name)
		for id := range own {
			e.out[id] = e.out[id] || stands || !still
		}
		if still {
			continue
		}
		gone++
		for _, all := range [][]state.Was{w.snap.Present, w.back.Present} {
			theirs := madeOf(all, own)
			for id := range theirs {
				e.out[id], e.struck[id] = true, true
			}
		}
		if name := h.Subject.CommonName; !slices.Contains(e.names[before.ID], name) {
			e.names[before.ID] = append(e.names[before.ID], name)
		}
	}
	if gone == 0 && !names(w.snap.Present, before.ID) {
		return nil
	}
	kept, err := without(before, func(certificate string) bool {
		return !slices.Contains(stand, certificate) || slices.Contains(w.snap.Absent, resource.ID{Kind: pki.KindCertificate, Name: certificate})
	})
	if e.keep = append(e.keep, kept); !stands {
		e.instead[before.ID] = kept
	}
	return err
}

// keyOf is where the key of a peer is: beside its certificate, where that does not say.
func keyOf(certificate string, h holder) string {
	if h.Key != "" {
		return path.Clean(h.Key)
	}
	return strings.TrimSuffix(certificate, ".crt") + ".key"
}

// madeOf returns these things of one person, and what is made of them and goes into
// nothing else. The list itself is of all.
func madeOf(all []state.Was, own map[resource.ID]bool) map[resource.ID]bool {
	theirs := make(map[resource.ID]bool)
	for id := range own {
		theirs[id] = true
	}
	for _, was := range all {
		held, err := read[struct {
			Holder *string `json:"holder"`
		}](was)
		if err == nil && held.Holder != nil && rebuilt(was, own) {
			theirs[was.ID] = true
		}
	}
	for id := range onlyFor(all, theirs) {
		theirs[id] = true
	}
	return theirs
}

// without returns a list without some certificates, and of nobody where none is left.
func without(list state.Was, out func(certificate string) bool) (state.Was, error) {
	var shape map[string]json.RawMessage
	if err := json.Unmarshal(list.Shape, &shape); err != nil {
		return list, fmt.Errorf("%s: %w", list.ID, err)
	}
	var raw []json.RawMessage
	var parts []part
	for _, into := range []any{&raw, &parts} {
		if err := json.Unmarshal(shape["part"], into); err != nil {
			return list, fmt.Errorf("%s: %w", list.ID, err)
		}
	}
	left := []json.RawMessage{}
	some := false
	for i, p := range parts {
		if isPeer(parts, i) && out(*p.Fingerprint) {
			left = left[:len(left)-1] // the word before it
			continue
		}
		some = some || isPeer(parts, i)
		left = append(left, raw[i])
	}
	if !some {
		nobody, err := json.Marshal(map[string]string{"text": pki.NoPeer})
		if err != nil {
			return list, err
		}
		left = []json.RawMessage{nobody}
	}
	delete(shape, "content") // it is made of its parts
	var err error
	if shape["part"], err = json.Marshal(left); err == nil {
		list.Shape, err = json.Marshal(shape)
	}
	return list, err
}
