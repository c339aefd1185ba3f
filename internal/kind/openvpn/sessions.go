package openvpn

import (
	"context"
	"errors"
	"path"
	"slices"

	"vpnd/internal/resource"
)

// Admission is who may be connected to an OpenVPN server now. Its name is the
// path of the server's management socket. OpenVPN asks the revocation list when
// a client shakes hands, up to an hour later; a client that is no longer
// welcome is disconnected at once.
type Admission struct {
	Members   []string `vpnd:"members,hint" doc:"common names that may be connected; left out, all that are not refused"`
	Refused   []string `vpnd:"refused,hint" doc:"common names that may not be connected"`
	Intruders []string `vpnd:"intruders,computed,glance" words:"connected and no longer admitted" doc:"common names that are connected and may not be"`
}

// Validate says what is wrong with the block.
func (a *Admission) Validate(name string) []resource.Mistake {
	if !path.IsAbs(name) || path.Clean(name) != name {
		return []resource.Mistake{{Summary: "the label is no absolute path of a management socket", Hint: `Write it as in openvpn_admission "/run/openvpn-server/office/management.sock".`}}
	}
	return nil
}

// Traits are what admissions are. There is nothing on the host to take away; who
// was revoked and comes in again and again is sent away again and again.
var Traits = resource.Traits{Keeps: true, NeedsHost: true, View: resource.Servers, Essential: resource.All}

// Admissions are the verbs of the kind openvpn_admission.
type Admissions struct{}

// Normalize fills in that nobody shall be there who may not be.
func (Admissions) Normalize(_ context.Context, wants map[string]*Admission) (map[string]*Admission, error) {
	normal := make(map[string]*Admission, len(wants))
	for name, want := range wants {
		w := *want
		w.Intruders = []string{}
		normal[name] = &w
	}
	return normal, nil
}

// Observe lists who is connected and may not be: without a wish nobody is an
// intruder. There is an answer for every name that could be asked.
func (Admissions) Observe(ctx context.Context, wants map[string]*Admission) (map[string]*Admission, error) {
	return resource.ObserveEach(ctx, wants, func(name string, want *Admission) (*Admission, error) {
		return intruders(ctx, name, resource.Or(want, Admission{}))
	})
}

func intruders(ctx context.Context, name string, want Admission) (*Admission, error) {
	sessions, err := Sessions(ctx, name)
	if err != nil && !errors.Is(err, ErrDown) {
		return nil, err
	}
	members, refused := set(want.Members), set(want.Refused)
	all := []string{}
	for _, s := range sessions {
		if want.Members != nil && !members[s.CommonName] || refused[s.CommonName] {
			all = append(all, s.CommonName)
		}
	}
	slices.Sort(all)
	return &Admission{Intruders: slices.Compact(all)}, nil
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
func (Admissions) Apply(ctx context.Context, items []resource.Item[Admission]) error {
	return resource.ApplyEach(items, func(i resource.Item[Admission]) error {
		for _, intruder := range i.Got.Intruders {
			if err := Disconnect(ctx, i.Name, intruder); err != nil {
				return err
			}
		}
		return nil
	})
}

// Remove does nothing: without a wish nobody is an intruder.
func (Admissions) Remove(context.Context, []string) error { return nil }

// Cost is what the disconnected notice.
func (Admissions) Cost(string, *Admission, *Admission) resource.Effect { return resource.Client }
