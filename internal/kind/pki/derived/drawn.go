package derived

import (
	"io"

	"vpnd/internal/resource"
)

// Drawn is where the shape of a secret that is drawn at random has its attributes.
type Drawn struct {
	Access  Access
	Current **bool
	PEM     **resource.Secret
}

// DrawnNature is that of a secret which depends on no other file: it is one of its form,
// or a new one is drawn. voids is what hangs on the one that was there; empty for
// nothing.
func DrawnNature[T any](of func(*T) Drawn, fits func(data []byte) bool, draw func(rand io.Reader, there []byte) ([]byte, error), voids string) Nature[T] {
	return Nature[T]{
		Access: func(k *T) Access { return of(k).Access },
		Kept:   func(k *T) *string { return Revealed(*of(k).PEM) },
		Settle: func(_ *Scene, _ string, k *T) error { *of(k).Current = resource.Ptr(true); return nil },
		Waive:  func(k *T) { *of(k).Current = nil },
		Voids: func(got, _ *T) string {
			if got != nil && **of(got).Current {
				return ""
			}
			return voids
		},
		Read: func(_ *Scene, _ string, data []byte, _ T) (*T, error) {
			got := new(T)
			*of(got).Current, *of(got).PEM = resource.Ptr(fits(data)), resource.NewSecret(string(data))
			return got, nil
		},
		Build: func(s *Scene, _ string, there []byte, _ T) (Product, error) {
			data, err := draw(s.Rand, there)
			return Product{Data: data}, err
		},
	}
}

// Private checks what needs no host of a secret in a file.
func Private(name string, a Access) []resource.Mistake {
	var m Mistakes
	m.Path("", name)
	m.Access(a, true)
	return m
}
