package derived

import (
	"errors"
	"io/fs"

	"vpnd/internal/resource"
)

// Missing passes on what hinders a look; that a file is not there, or holds
// something else, is an answer and no hindrance.
func Missing(err error) error {
	var hindrance *fs.PathError
	if errors.As(err, &hindrance) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Revealed returns what a secret holds, nil for none.
func Revealed(s *resource.Secret) *string {
	if s == nil {
		return nil
	}
	return resource.Ptr(s.Reveal())
}
