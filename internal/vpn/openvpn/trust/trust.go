// Package trust lays out the CAs whose clients an OpenVPN server lets in.
//
// Where a CA took the place of another one of its name there is more than one, and as a
// server OpenVPN 2.6 does not start with two of one name in one file ("entry 2 did not
// validate", measured with 2.6.14 on Debian 12 and 13). Those in a directory it asks for
// when somebody comes whom that name has signed for, and takes all that have it.
package trust

import (
	"fmt"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

// Trust is what a server in a directory of its own has of the CAs of its PKI.
type Trust struct {
	pki.Authority
	In string // the directory
}

// A File is one that the server reads.
type File struct {
	Path   string
	Parts  []pki.Part
	Of     []string        // paths of the certificates that it is made of
	Effect resource.Effect // what a change of it costs
}

// rolled says whether a CA of the PKI took the place of another.
func (t Trust) rolled() bool { return len(t.Trusted) > 1 }

// Directive has OpenVPN find the CAs.
func (t Trust) Directive() (name, value string) {
	if t.rolled() {
		return "capath", t.In
	}
	return "ca", t.single()
}

// Files are those with the CAs. In a directory they are named by their name and a number,
// X509_LOOKUP_hash_dir(3). The first is the one that signs now, and OpenVPN has to start
// again to know of it. The second has those before it as well, until nothing is left that
// they signed. That one of them goes is no reason to disconnect anybody: it lets nobody in
// any more. That file is never empty, which OpenSSL takes for an error.
//
// The file with the first CA of all stays as it was: a server that has to start before
// its new configuration stands, since that waits for a key, or that is put back to what it
// ran with, needs it.
func (t Trust) Files() []File {
	all := t.TrustParts()
	if !t.rolled() {
		return []File{{t.single(), all, t.Trusted, resource.Restart}}
	}
	first := t.Trusted[len(t.Trusted)-1:]
	files := []File{
		{t.single(), []pki.Part{{File: &first[0]}}, first, resource.None},
		{t.hashed(0), all[:1:1], t.Trusted[:1], resource.Restart},
	}
	var leaving []pki.Part
	for _, p := range all {
		p.Leaves = resource.Ptr(p.Overlap != nil)
		leaving = append(leaving, p)
	}
	return append(files, File{t.hashed(1), leaving, t.Trusted, resource.None})
}

func (t Trust) single() string { return t.In + "/ca.crt" }

func (t Trust) hashed(number int) string { return fmt.Sprintf("%s/%s.%d", t.In, t.Hash, number) }
