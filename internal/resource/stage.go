package resource

import (
	"context"
	"reflect"
)

// A Stager is the shape of a composite that comes on by stages: what it stands for now is
// a part of what it is to become, and only the host can tell how far it is. A CA that has
// no certificate yet can't sign, and the one before it does until then.
//
// Stage is called when the configuration is read, after Validate found nothing wrong and
// before anybody asks for what the block exports or stands for. So these stay functions
// of the block, and what is in force goes on by stages by a person's word alone.
type Stager interface {
	Stage(name string, on Site) error
}

// Moved says whether a block that was staged has come to another stage since.
func Moved(s Stager, name string, on Site) (bool, error) {
	now := Clone(s).(Stager)
	err := now.Stage(name, on)
	return !reflect.DeepEqual(now, s), err
}

// A Site tells a [Stager] of its host.
type Site interface {
	// Observe looks at a thing, by the measure of what is wished of it where that is
	// given; nil where nothing is.
	Observe(Resource) (any, error)
	// Awaits says what a person has to bring before the thing can be made there; empty
	// for nothing.
	Awaits(Resource) string
}

// Site is the host that the kinds of the catalog work on.
func (c Catalog) Site(ctx context.Context) Site { return site{c, ctx} }

type site struct {
	Catalog
	ctx context.Context
}

func (s site) Observe(r Resource) (any, error) {
	k, ok := s.Kind(r.ID.Kind)
	if !ok {
		return nil, nil
	}
	is := k.Observe(s.ctx, map[string]any{r.ID.Name: r.Want})[r.ID.Name]
	return is.Got, is.Err
}

func (s site) Awaits(r Resource) string {
	k, ok := s.Kind(r.ID.Kind)
	if !ok {
		return ""
	}
	return k.Awaits(s.ctx, r.ID.Name, nil, r.Want)
}
