// Package trust lays out the CAs whose clients an OpenVPN server lets in.
//
// Where a CA took the place of another one of its name there is more than one, and as a
// server OpenVPN 2.6 does not start with two of one name in one file ("entry 2 did not
// validate", measured with 2.6.14 on Debian 12 and 13). Those in a directory it asks for
// when somebody comes whom that name has signed for, and takes all that have it.
package trust

import (
	"fmt"
	"slices"

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

// levels are the CA that signs for this server, and those above it, the root last: where
// OpenSSL wants a chain to end.
func (t Trust) levels() []pki.Level { return append([]pki.Level{t.Level()}, t.Above...) }

// rolled says whether a CA took the place of another.
func rolled(l pki.Level) bool { return len(l.Trusted) > 1 }

// Directives have OpenVPN find the CAs: in one file, and those of a name that several
// have in a directory.
func (t Trust) Directives() [][2]string {
	if !slices.ContainsFunc(t.levels(), rolled) {
		return [][2]string{{"ca", t.whole()}}
	}
	var all [][2]string
	if len(t.alone().Of) > 0 {
		all = append(all, [2]string{"ca", t.alone().Path})
	}
	return append(all, [2]string{"capath", t.In})
}

// Files are those with the CAs.
//
// The file with the first CA of all stays as it was: a server that has to start before
// its new configuration stands, since that waits for a key, or that is put back to what it
// ran with, needs it.
func (t Trust) Files() []File {
	whole := File{Path: t.whole()}
	var hashed []File
	for _, l := range t.levels() {
		first := l.Trusted[len(l.Trusted)-1:]
		whole.Parts, whole.Of = append(whole.Parts, pki.Part{File: &first[0], Given: l.TrustParts()[0].Given}), append(whole.Of, first...)
		if rolled(l) {
			hashed = append(hashed, t.inDirectory(l)...)
		}
	}
	if len(hashed) == 0 {
		whole.Effect = resource.Restart
		return []File{whole}
	}
	files := []File{whole}
	if others := t.alone(); len(others.Of) > 0 {
		files = append(files, others)
	}
	return append(files, hashed...)
}

// alone is a file of the CAs whose name no other one has, where others have one in common:
// of those OpenSSL would look for none in the directory that it knows from a file.
func (t Trust) alone() File {
	f := File{Path: t.In + "/ca-alone.crt", Effect: resource.Restart}
	for _, l := range t.levels() {
		if !rolled(l) {
			f.Parts, f.Of = append(f.Parts, l.TrustParts()...), append(f.Of, l.Trusted...)
		}
	}
	return f
}

// inDirectory are files that are named by the name of a CA and a number,
// X509_LOOKUP_hash_dir(3). The first is the one that signs now, and OpenVPN has to start
// again to know of it. The second has those before it as well, until nothing is left that
// they signed. That one of them goes is no reason to disconnect anybody: it lets nobody in
// any more. That file is never empty, which OpenSSL takes for an error.
func (t Trust) inDirectory(l pki.Level) []File {
	named := func(number int) string { return fmt.Sprintf("%s/%s.%d", t.In, l.Hash, number) }
	all := l.TrustParts()
	var leaving []pki.Part
	for _, p := range all {
		p.Leaves = resource.Ptr(p.Overlap != nil)
		leaving = append(leaving, p)
	}
	return []File{
		{named(0), all[:1:1], l.Trusted[:1], resource.Restart},
		{named(1), leaving, l.Trusted, resource.None},
	}
}

func (t Trust) whole() string { return t.In + "/ca.crt" }
