package openvpn

import (
	"context"
	"path"
	"slices"
	"sync"

	"vpnd/internal/resource"
)

// Admission is who may be connected to an OpenVPN server now. Its name is the
// path of the server's management socket. OpenVPN asks the revocation list when
// a client shakes hands, up to an hour later; a client that is no longer
// welcome is disconnected at once.
type Admission struct {
	Members   []string `vpnd:"members,hint" doc:"common names that may be connected; left out, all that are not refused"`
	Refused   []string `vpnd:"refused,hint" doc:"common names that may not be connected"`
	Intruders []string `vpnd:"intruders,computed" doc:"common names that are connected and may not be"`
}

// Validate says what is wrong with the block.
func (a *Admission) Validate(name string) []resource.Mistake {
	if !path.IsAbs(name) || path.Clean(name) != name {
		return []resource.Mistake{{Summary: "the label is no absolute path of a management socket", Hint: `Write it as in openvpn_admission "/run/openvpn-server/office/management.sock".`}}
	}
	return nil
}

// Admissions are the verbs of the kind openvpn_admission. Who is an intruder
// is a question that only the wish can put, so the last wish of each name is
// remembered.
type Admissions struct {
	mu     sync.Mutex
	wishes map[string]Admission
}

// Normalize remembers the wishes, which all want nobody there who may not be.
func (v *Admissions) Normalize(_ context.Context, wants map[string]*Admission) (map[string]*Admission, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.wishes == nil {
		v.wishes = make(map[string]Admission)
	}
	normal := make(map[string]*Admission, len(wants))
	for name, want := range wants {
		w := *want
		w.Intruders = []string{}
		v.wishes[name], normal[name] = w, &w
	}
	return normal, nil
}

// Observe lists who is connected and may not be. It never returns nil.
func (v *Admissions) Observe(ctx context.Context, name string) (*Admission, error) {
	sessions, err := Sessions(ctx, name)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	want := v.wishes[name]
	v.mu.Unlock()
	members, refused := set(want.Members), set(want.Refused)
	intruders := []string{}
	for _, s := range sessions {
		if want.Members != nil && !members[s.CommonName] || refused[s.CommonName] {
			intruders = append(intruders, s.CommonName)
		}
	}
	slices.Sort(intruders)
	return &Admission{Intruders: slices.Compact(intruders)}, nil
}

func set(names []string) map[string]bool {
	s := make(map[string]bool, len(names))
	for _, name := range names {
		s[name] = true
	}
	return s
}

// Apply disconnects the intruders. They dial again, and the revocation list or
// their own file refuses them.
func (v *Admissions) Apply(ctx context.Context, name string, got *Admission, _ Admission) error {
	for _, intruder := range got.Intruders {
		if err := Disconnect(ctx, name, intruder); err != nil {
			return err
		}
	}
	return nil
}

// Remove does nothing: without a wish nobody is an intruder.
func (*Admissions) Remove(context.Context, string) error { return nil }

// Keeps returns true: there is nothing on the host to take away.
func (*Admissions) Keeps() bool { return true }

// Cost is what the disconnected notice.
func (*Admissions) Cost(string, *Admission, *Admission) resource.Effect { return resource.Client }
