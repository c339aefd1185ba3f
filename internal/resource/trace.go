package resource

import (
	"context"
	"maps"
	"slices"
	"time"
)

// A Call is one use of a kind's verb.
type Call struct {
	Kind  string
	Verb  string // sight, normalize, observe, preflight, check, apply or remove; of a refresh, its effect
	Names []string
	Took  time.Duration
	Err   error
}

// Traced returns the catalog with kinds that tell of each call when it has
// ended, from any goroutine. Wishes and observations are not told: they hold
// secrets.
func (c Catalog) Traced(tell func(Call)) Catalog {
	c.Kinds = slices.Clone(c.Kinds)
	for i, k := range c.Kinds {
		c.Kinds[i] = k.traced(tell)
	}
	return c
}

func (k Kind) traced(tell func(Call)) Kind {
	t := k
	begin := func(verb string, names ...string) func(error) {
		start := time.Now()
		return func(err error) { tell(Call{Kind: k.Name, Verb: verb, Names: names, Took: time.Since(start), Err: err}) }
	}
	t.normalize = func(ctx context.Context, wants map[string]any) (map[string]any, error) {
		end := begin("normalize", slices.Sorted(maps.Keys(wants))...)
		normal, err := k.normalize(ctx, wants)
		end(err)
		return normal, err
	}
	t.sight = func(ctx context.Context, names []string, wants []any) []Sighting {
		end := begin("sight", names...)
		all := k.sight(ctx, names, wants)
		end(nil)
		return all
	}
	t.observe = func(ctx context.Context, wants map[string]any) map[string]Observation {
		names := slices.Sorted(maps.Keys(wants))
		end := begin("observe", names...)
		seen := k.observe(ctx, wants)
		end(firstError(names, seen))
		return seen
	}
	t.check = func(ctx context.Context, name string, want any) error {
		end := begin("check", name)
		err := k.check(ctx, name, want)
		end(err)
		return err
	}
	t.preflight = func(ctx context.Context, name string, want any, plan Prospect) error {
		end := begin("preflight", name)
		err := k.preflight(ctx, name, want, plan)
		end(err)
		return err
	}
	t.apply = func(ctx context.Context, changes []Change) error {
		var names []string
		for _, c := range changes {
			names = append(names, c.Name)
		}
		end := begin("apply", names...)
		err := k.apply(ctx, changes)
		end(err)
		return err
	}
	t.remove = func(ctx context.Context, names []string) error {
		end := begin("remove", names...)
		err := k.remove(ctx, names)
		end(err)
		return err
	}
	t.refresh = func(ctx context.Context, name string, want any, how Effect) error {
		end := begin(how.String(), name)
		err := k.refresh(ctx, name, want, how)
		end(err)
		return err
	}
	return t
}

// firstError returns that of the first name which has one.
func firstError(names []string, seen map[string]Observation) error {
	for _, name := range names {
		if err := seen[name].Err; err != nil {
			return &NameError{Name: name, Err: err}
		}
	}
	return nil
}
