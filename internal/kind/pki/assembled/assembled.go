// Package assembled converges files that are made of text and other files, such
// as profiles and bundles of certificates.
package assembled

import (
	"bytes"
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/overlap"
	"vpnd/internal/kind/pki/totp"
	"vpnd/internal/resource"
)

// AssembledFile is a file made of other files, which may not exist while a
// plan is made: a client's profile, a bundle of certificates. Its name is the
// absolute path.
type AssembledFile struct {
	Parts   []Part            `vpnd:"part,block,hint" doc:"what it is made of, in order"`
	Holder  *string           `vpnd:"holder,hint,memory" doc:"who is given a copy, such as a client of a profile"`
	Terms   map[string]string `vpnd:"terms,hint,memory" doc:"what the copy has to agree on with this host, by name; where that changes, its holder needs a new one"`
	Mode    *resource.Mode    `vpnd:"mode,meta" doc:"permissions" default:"0600"`
	Owner   *string           `vpnd:"owner,meta" doc:"user that owns the file, by name or number" default:"root"`
	Group   *string           `vpnd:"group,meta" doc:"group that owns the file, by name or number" default:"root"`
	Current *bool             `vpnd:"current,computed" doc:"whether it equals its parts as they are now"`
	Another *bool             `vpnd:"another,computed,hint" doc:"whether another CA was put in the place of one that it holds, and has signed nothing yet"`
	Content *resource.Secret  `vpnd:"content,computed" doc:"what it holds"`
}

// Part is one piece of an assembled file: text, a file, or a fingerprint.
type Part struct {
	Text *string `vpnd:"text" doc:"text to put there, as it is"`
	File *string `vpnd:"file" doc:"absolute path of a file to put there; a missing newline at its end is added"`

	Overlap *string `vpnd:"overlap" doc:"directory of what a CA signed: the file is left out once nothing of that is good, which alone is no reason to make the whole anew"`
	CA      *string `vpnd:"ca" doc:"path of the certificate of that CA; with overlap and left out, the file itself is. Without overlap the file is left out once the CA itself has run out"`
	Leaves  *bool   `vpnd:"leaves" doc:"whether that it may be left out is a reason to make the whole anew" default:"false"`
	Apart   *bool   `vpnd:"apart" doc:"whether a copy that somebody has stays good when that file changes" default:"false"`

	Given *string `vpnd:"given" doc:"directory of what a CA signed that existed before, whose certificate the file is: another one in its place voids that"`

	Fingerprint *string `vpnd:"fingerprint" doc:"absolute path of a certificate whose SHA-256 fingerprint to put there, on a line of its own, as OpenVPN's peer-fingerprint has it"`

	Codes *string `vpnd:"codes" doc:"absolute path of a totp_secret: since when it takes the place of another one is put there, in seconds since 1970, on a line of its own; 0 of a first one, - where it is lost. A file with such a part is never brought back as it was, but made anew"`
}

// AssembledFiles are the verbs of assembled files.
type AssembledFiles struct{ derived.Verbs[AssembledFile] }

// Given says who has a copy.
func (v *AssembledFiles) Given(want AssembledFile) (to string, terms map[string]string) {
	return resource.Or(want.Holder, ""), want.Terms
}

// CABefore is what is void where another CA is put in the place of one.
const CABefore = "all that the CA signed that stood there before"

// Leads is the term that says where a copy leads, in words: it stays good as long as
// each of them leads here, in whatever order they are tried, and whatever else does. People
// are told the same as remote, port and protocol.
const Leads = "leads to"

// Differ returns, sorted, on which of the terms of a copy this host agrees no more. In
// which order networks are named is nothing to agree on.
func (v *AssembledFiles) Differ(held, terms map[string]string) []string {
	why := resource.Differing(held, terms)
	had, has := strings.Fields(held[Leads]), strings.Fields(terms[Leads])
	leads := len(had) > 0 && !slices.ContainsFunc(had, func(to string) bool { return !slices.Contains(has, to) })
	astray := len(had) > 0 && len(has) > 0 && !leads
	told := false
	why = slices.DeleteFunc(why, func(term string) bool {
		switch term {
		case Leads:
			return true
		case "remote", "port", "protocol":
			told = told || !leads
			return leads
		case "networks":
			return sameParts(held[term], terms[term])
		}
		return false
	})
	if astray && !told { // a port has changed places with another one
		why = append(why, "port")
		slices.Sort(why)
	}
	return why
}

func sameParts(a, b string) bool {
	parts := func(text string) []string { return slices.Sorted(slices.Values(strings.Split(text, ", "))) }
	return slices.Equal(parts(a), parts(b))
}

// NewAssembledFiles returns the verbs of assembled files.
func NewAssembledFiles(h derived.Host) *AssembledFiles {
	return &AssembledFiles{derived.Verbs[AssembledFile]{Host: h, Nature: derived.Nature[AssembledFile]{
		Access: func(f *AssembledFile) derived.Access {
			return derived.Access{Mode: &f.Mode, Owner: &f.Owner, Group: &f.Group}
		},
		Kept: func(f *AssembledFile) *string { return derived.Revealed(f.Content) },
		Settle: func(s *derived.Scene, name string, f *AssembledFile) error {
			f.Current = resource.Ptr(true)
			for _, p := range f.Parts {
				if p.Given != nil && p.File != nil && f.Another == nil {
					f.Another = overlap.Lost(s, name, *p.File, *p.Given)
				}
			}
			return nil
		},
		Waive: func(f *AssembledFile) { f.Current = nil },
		Voids: func(got, want *AssembledFile) string {
			if got == nil && resource.Or(want.Another, false) || got != nil && resource.Or(got.Another, false) {
				return CABefore
			}
			return ""
		},
		MadeFrom:  func(f *AssembledFile) []string { return partsOf(f, false) },
		SourcesOf: func(_ string, f *AssembledFile) []string { return partsOf(f, true) },
		Read: func(s *derived.Scene, _ string, data []byte, want AssembledFile) (*AssembledFile, error) {
			current, err := made(s, want.Parts, data)
			if err := derived.Missing(err); err != nil {
				return nil, err
			}
			got := &AssembledFile{Parts: want.Parts, Holder: want.Holder, Terms: want.Terms, Current: &current}
			if !current {
				got.Another = resource.Ptr(slices.ContainsFunc(want.Parts, func(p Part) bool {
					return p.Given != nil && p.File != nil && overlap.Exchanged(s, *p.File, *p.Given)
				}))
			}
			if !slices.ContainsFunc(want.Parts, func(p Part) bool { return p.Codes != nil }) {
				got.Content = resource.NewSecret(string(data))
			}
			return got, nil
		},
		Build: func(s *derived.Scene, _ string, _ []byte, want AssembledFile) (derived.Product, error) {
			data, err := assemble(s, want.Parts)
			return derived.Product{Data: data}, err
		},
	}}}
}

// assemble puts the parts together, without those that are over.
func assemble(s *derived.Scene, parts []Part) ([]byte, error) {
	var whole bytes.Buffer
	for _, p := range parts {
		if p.over(s) {
			continue
		}
		data, err := p.read(s)
		if err != nil {
			return nil, err
		}
		whole.Write(data)
	}
	return whole.Bytes(), nil
}

// over says whether a part may be left out.
func (p Part) over(s *derived.Scene) bool {
	switch {
	case p.File == nil:
		return false
	case p.Overlap != nil:
		return overlap.Of(s, resource.Or(p.CA, *p.File), *p.Overlap).Over()
	default:
		return p.CA != nil && overlap.Ended(s, *p.CA)
	}
}

// read returns what a part holds.
func (p Part) read(s *derived.Scene) ([]byte, error) {
	var all []byte
	if p.Text != nil {
		all = append(all, *p.Text...)
	}
	if p.Fingerprint != nil {
		return fingerprint(s, *p.Fingerprint)
	}
	if p.Codes != nil {
		data, err := s.Follow(*p.Codes)
		if err != nil {
			return nil, fmt.Errorf("reading the seed %s: %w", *p.Codes, err)
		}
		return []byte(totp.Since(data) + "\n"), nil
	}
	if p.File == nil {
		return all, nil
	}
	data, err := s.Follow(*p.File)
	if err != nil {
		return nil, fmt.Errorf("reading its part %s: %w", *p.File, err)
	}
	all = append(all, data...)
	if !bytes.HasSuffix(data, []byte("\n")) {
		all = append(all, '\n')
	}
	return all, nil
}

// made says whether a file is made of these parts. One that is over may be in it still.
func made(s *derived.Scene, parts []Part, data []byte) (bool, error) {
	for _, p := range parts {
		over := p.over(s)
		if over && resource.Or(p.Leaves, false) {
			continue
		}
		piece, err := p.read(s)
		if err != nil && !over {
			return false, err
		}
		rest, has := bytes.CutPrefix(data, piece)
		switch {
		case has && err == nil:
			data = rest
		case !over:
			return false, nil
		}
	}
	return len(parts) > 0 && len(data) == 0, nil
}

// fingerprint returns the line of a certificate.
func fingerprint(s *derived.Scene, path string) ([]byte, error) {
	data, err := s.Follow(path)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate %s: %w", path, err)
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("%s holds no certificate", path)
	}
	sum := sha256.Sum256(block.Bytes)
	return []byte(strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":") + "\n"), nil
}

// partsOf names the files that an assembled file is made of, all of them or those that
// void copies.
func partsOf(f *AssembledFile, all bool) []string {
	var files []string
	for _, p := range f.Parts {
		if all || !resource.Or(p.Apart, false) {
			files = append(files, derived.Given(p.File, p.Fingerprint, p.Codes)...)
		}
	}
	return files
}

// Validate checks what needs no host.
func (f *AssembledFile) Validate(name string) []resource.Mistake {
	var m derived.Mistakes
	m.Path("", name)
	for i, p := range f.Parts {
		where := fmt.Sprintf("part.%d", i)
		given := 0
		for _, one := range []*string{p.Text, p.File, p.Fingerprint, p.Codes} {
			if one != nil {
				given++
			}
		}
		if given != 1 {
			m.Add(where, "a part is either text or a file or a fingerprint or codes", "give one of them")
		}
		m.OptionalPath(where+".file", p.File)
		m.OptionalPath(where+".fingerprint", p.Fingerprint)
		m.OptionalPath(where+".codes", p.Codes)
	}
	m.Access(derived.Access{Mode: &f.Mode, Owner: &f.Owner, Group: &f.Group}, false)
	return m
}
