package revoked

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// A holder is what a certificate tells of its place in a PKI.
type holder struct {
	Subject struct {
		CommonName string `json:"common_name"`
	} `json:"subject"`
	Usage  string `json:"usage"`
	Key    string `json:"key"`
	Ledger string `json:"ledger"`
	Serial string `json:"serial"`
}

// A roll is what a revocation list tells of its members.
type roll struct {
	Ledger  string   `json:"ledger"`
	Members []string `json:"members"`
}

func read[T any](was state.Was) (T, error) {
	var told T
	err := json.Unmarshal(was.Shape, &told)
	if err != nil {
		err = fmt.Errorf("%s: %w", was.ID, err)
	}
	return told, err
}

// goers are the names of those whose certificates an undo takes away: they may
// have left the host meanwhile.
func goers(snap *state.Snapshot, now *state.Wish, ledger string) ([]string, error) {
	var names []string
	for _, was := range now.Present {
		if was.ID.Kind != pki.KindCertificate || !slices.Contains(snap.Absent, was.ID) {
			continue
		}
		h, err := read[holder](was)
		if err != nil {
			return nil, err
		}
		if h.Ledger == ledger {
			names = append(names, h.Subject.CommonName)
		}
	}
	return names, nil
}

// belongings returns the certificates of a ledger that are of somebody, with
// their keys and the seeds of their codes, what is made of both, and what else goes
// into nothing but that.
func belongings(all []state.Was, ledger string, of func(holder) bool) (map[resource.ID]bool, error) {
	theirs := make(map[resource.ID]bool)
	for _, was := range all {
		if was.ID.Kind != pki.KindCertificate {
			continue
		}
		h, err := read[holder](was)
		if err != nil {
			return nil, err
		}
		if h.Ledger == ledger && of(h) {
			theirs[was.ID] = true
			theirs[resource.ID{Kind: pki.KindPrivateKey, Name: path.Clean(h.Key)}] = true
		}
	}
	for _, was := range all {
		if rebuilt(was, theirs) {
			theirs[was.ID] = true
		}
	}
	for _, was := range all {
		if was.ID.Kind == pki.KindTOTPSecret && slices.ContainsFunc(was.Triggers, func(t resource.Trigger) bool { return theirs[t.On] }) {
			theirs[was.ID] = true
		}
	}
	for id := range onlyFor(all, theirs) {
		theirs[id] = true
	}
	return theirs, nil
}

// onlyFor returns the keys of single clients of OpenVPN that go into nothing but
// these things: what such a key makes is the profile of one person.
func onlyFor(all []state.Was, theirs map[resource.ID]bool) map[resource.ID]bool {
	only := make(map[resource.ID]bool)
	for _, was := range all {
		for _, t := range was.Triggers {
			if t.On.Kind != pki.KindTLSCryptV2Key || t.Do != resource.Rebuild {
				continue
			}
			so, seen := only[t.On]
			only[t.On] = (so || !seen) && theirs[was.ID]
		}
	}
	maps.DeleteFunc(only, func(_ resource.ID, so bool) bool { return !so })
	return only
}

// withPlaces returns what a snapshot brings back. Of what the undone apply took
// away only its record tells which ledger and key it belongs to.
func withPlaces(snap *state.Snapshot) []state.Was {
	all := slices.Clone(snap.Present)
	for i, was := range all {
		at := slices.IndexFunc(snap.Records, func(r state.Record) bool { return r.ID == was.ID })
		var shape map[string]json.RawMessage
		if at < 0 || was.ID.Kind != pki.KindCertificate || json.Unmarshal(was.Shape, &shape) != nil {
			continue
		}
		for _, attr := range []string{"ledger", "key"} {
			if value, known := snap.Records[at].Want.Value(attr); known && shape[attr] == nil {
				shape[attr] = json.RawMessage(value)
			}
		}
		if data, err := json.Marshal(shape); err == nil {
			all[i].Shape = data
		}
	}
	return all
}
