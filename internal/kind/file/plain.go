package file

import "vpnd/internal/resource"

// plain is what the shapes of files have in common.
type plain struct {
	content  *string
	source   *string
	mode     *resource.Mode
	owner    *string
	group    *string
	validate []string
	link     *string
}

// shape is a pointer to a [File] or [SecretFile].
type shape[T any] interface {
	*T
	plain() plain
	set(plain)
	secret() bool
}

func (f *File) plain() plain {
	return plain{f.Content, f.Source, f.Mode, f.Owner, f.Group, f.Validator, f.Link}
}

func (f *File) set(p plain) {
	*f = File{p.content, p.source, p.mode, p.owner, p.group, p.validate, p.link}
}

func (*File) secret() bool { return false }

func (f *SecretFile) plain() plain {
	p := plain{nil, f.Source, f.Mode, f.Owner, f.Group, f.Validator, f.Link}
	if f.Content != nil {
		p.content = resource.Ptr(f.Content.Reveal())
	}
	return p
}

func (f *SecretFile) set(p plain) {
	*f = SecretFile{nil, p.source, p.mode, p.owner, p.group, p.validate, p.link}
	if p.content != nil {
		f.Content = resource.NewSecret(*p.content)
	}
}

func (*SecretFile) secret() bool { return true }
