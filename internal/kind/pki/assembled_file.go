package pki

import (
	"bytes"
	"fmt"

	"vpnd/internal/resource"
)

// assembledFiles are the verbs of assembled files.
type assembledFiles struct{ verbs[AssembledFile] }

// Given says who has a copy.
func (v *assembledFiles) Given(want AssembledFile) (to string, terms map[string]string) {
	return resource.Or(want.Holder, ""), want.Terms
}

func newAssembledFiles(h Host) *assembledFiles {
	return &assembledFiles{verbs[AssembledFile]{Host: h, nature: nature[AssembledFile]{
		access:    func(f *AssembledFile) access { return access{&f.Mode, &f.Owner, &f.Group} },
		kept:      func(f *AssembledFile) *string { return revealed(f.Content) },
		settle:    func(_ *scene, _ string, f *AssembledFile) error { f.Current = resource.Ptr(true); return nil },
		waive:     func(f *AssembledFile) { f.Current = nil },
		madeFrom:  partsOf,
		sourcesOf: func(_ string, f *AssembledFile) []string { return partsOf(f) },
		read: func(s *scene, _ string, data []byte, want AssembledFile) (*AssembledFile, error) {
			whole, err := s.assemble(want.Parts)
			if err := missing(err); err != nil {
				return nil, err
			}
			current := err == nil && len(want.Parts) > 0 && bytes.Equal(whole, data)
			return &AssembledFile{Parts: want.Parts, Holder: want.Holder, Terms: want.Terms, Current: &current, Content: resource.NewSecret(string(data))}, nil
		},
		build: func(s *scene, _ string, _ []byte, want AssembledFile) (product, error) {
			data, err := s.assemble(want.Parts)
			return product{data: data}, err
		},
	}}}
}

// assemble puts the parts together.
func (s *scene) assemble(parts []Part) ([]byte, error) {
	var whole bytes.Buffer
	for _, p := range parts {
		if p.Text != nil {
			whole.WriteString(*p.Text)
		}
		if p.File == nil {
			continue
		}
		data, err := s.follow(*p.File)
		if err != nil {
			return nil, fmt.Errorf("reading its part %s: %w", *p.File, err)
		}
		whole.Write(data)
		if !bytes.HasSuffix(data, []byte("\n")) {
			whole.WriteByte('\n')
		}
	}
	return whole.Bytes(), nil
}

// partsOf names the files that an assembled file is made of.
func partsOf(f *AssembledFile) []string {
	var files []string
	for _, p := range f.Parts {
		files = append(files, given(p.File)...)
	}
	return files
}
