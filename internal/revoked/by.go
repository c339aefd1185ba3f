package revoked

import (
	"vpnd/internal/engine"
	"vpnd/internal/kind/pki"
)

// By says whether an apply shut somebody out, whom no undo of it lets in again: it took
// certificates away and put down that they are good no more, in the list of their CA or,
// where there is none, by taking them off the list of those who may come in. Where the list
// of a CA goes too, an undo brings all of it back.
func By(r engine.Report) bool {
	var gone, barred, unlisted, vouched bool
	for _, c := range r.Results {
		switch {
		case c.ID.Kind == pki.KindCertificate:
			gone = gone || c.Action == engine.Remove
		case c.ID.Kind == pki.KindCRL:
			barred, vouched = barred || c.Action == engine.Update, true
		case c.ID.Kind == pki.KindAssembledFile:
			unlisted = unlisted || c.Action == engine.Update
		}
	}
	return gone && (barred || unlisted && !vouched)
}
