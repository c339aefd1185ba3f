package likeness

import (
	"context"
	"time"

	"vpnd/internal/hands"
	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/memo"
	"vpnd/internal/kind/pki/policy"
)

// Question is that of the likeness of a certificate in a file, to the memo.
const Question = "which certificate"

// At returns the likeness of each certificate at these paths below a root, nil of what
// is none. What is remembered in the cache is not read again.
func At(root, cache string, paths []string) ([]*Likeness, error) {
	s, err := derived.Host{Root: root, Clock: time.Now, Memo: memo.Open(cache)}.Scene()
	if err != nil {
		return nil, err
	}
	defer s.Leave()
	all := make([]*Likeness, len(paths))
	hands.Each(context.Background(), len(paths), func(i int) { all[i] = at(s, paths[i]) })
	return all, nil
}

func at(s *derived.Scene, path string) *Likeness {
	if info, err := s.Look(path); err == nil {
		if text, still := s.Memo.Still(Question, path, info); still {
			if l, ok := Read(text); ok {
				return l
			}
		}
	}
	data, _, err := s.Read(path)
	if err != nil {
		return nil
	}
	cert, err := policy.ParseCertificate(data)
	if err != nil {
		return nil
	}
	return Of(cert)
}
