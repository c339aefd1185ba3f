package revoked

import (
	"fmt"
	"time"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// An issue is what is known of the certificates of a CA.
type issue struct {
	revoked map[string]bool // by serial number
	good    map[string]bool // by common name: one of its certificates is not revoked
}

// out says whether somebody had certificates, and every one is revoked.
func (i issue) out(name string) bool {
	good, known := i.good[name]
	return known && !good
}

// issuedBy returns what a ledger knows, where it stands and as it comes back.
func issuedBy(root string, snap *state.Snapshot, ledger string) (issue, error) {
	known := issue{revoked: make(map[string]bool), good: make(map[string]bool)}
	all, err := pki.Issued(pki.Host{Root: root, Clock: time.Now}, ledger)
	if err != nil {
		return known, err
	}
	for _, was := range snap.Present {
		if was.ID != (resource.ID{Kind: pki.KindLedger, Name: ledger}) {
			continue
		}
		var shape pki.Ledger
		if err := was.Decode(&shape); err != nil {
			return known, fmt.Errorf("%s: %w", was.ID, err)
		}
		held, err := shape.Issued()
		if err != nil {
			return known, fmt.Errorf("%s: %w", was.ID, err)
		}
		all = append(all, held...)
	}
	for _, c := range all {
		known.revoked[c.Serial] = known.revoked[c.Serial] || c.Revoked
	}
	for _, c := range all {
		name := c.Subject.CommonName
		known.good[name] = known.good[name] || !known.revoked[c.Serial]
	}
	return known, nil
}
