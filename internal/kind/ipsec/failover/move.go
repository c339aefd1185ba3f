package failover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"vpnd/internal/kind/ipsec/vici"
)

const (
	attempt = 5 * time.Second         // a peer may take to establish a connection; charon repeats its question after 4 s
	moment  = 1500 * time.Millisecond // one that is being established is given before another takes its place
	glance  = 50 * time.Millisecond   // between looks meanwhile
)

// atRest returns the candidates once none is being established that could carry, where
// nothing does: a connection that was loaded anew comes up by itself.
func (v Verbs) atRest(ctx context.Context, name string, want Failover) ([]candidate, error) {
	for begun := time.Now(); ; sleep(ctx, glance) {
		all, _, err := v.candidates(ctx, name, want)
		over := time.Since(begun) > moment || ctx.Err() != nil
		carried := slices.ContainsFunc(all, func(c candidate) bool { return c.carries })
		if err != nil || over || carried || !slices.ContainsFunc(all, func(c candidate) bool { return c.trying() }) {
			return all, err
		}
	}
}

// move establishes the first of the targets that can be, and ends what carries, or is
// about to, besides. Where no peer answers, charon goes on with the first one: there is
// nothing wrong on this host. Where one refuses, that is an error.
func (v Verbs) move(ctx context.Context, past *past, verdict verdict, all []candidate) error {
	var refused []error
	for n, target := range verdict.targets {
		err := v.establish(ctx, past, target, n == 0 && verdict.carrier == nil)
		if err == nil {
			return errors.Join(v.end(ctx, past, verdict, target.Name), v.endOthers(ctx, all, target.Name))
		}
		if !errors.Is(err, vici.ErrSilent) {
			refused = append(refused, fmt.Errorf("establishing %s with %s: %w", target.Name, target.peer(), err))
		}
	}
	return errors.Join(refused...)
}

// establish establishes the child SAs of a connection that are missing. What does not
// come in time is ended, unless it may go on.
func (v Verbs) establish(ctx context.Context, past *past, c candidate, goesOn bool) error {
	busy := past.establishing(c.Name)
	busy.Lock()
	defer busy.Unlock()
	for _, child := range c.lacks() {
		if err := v.swan().initiate(ctx, c.Name, child, attempt); err != nil {
			past.knocked(c.Name, err, time.Now())
			if goesOn && !c.ready {
				return err
			}
			return errors.Join(err, v.endAttempts(ctx, c.Name, true))
		}
	}
	return nil
}

// endAttempts ends the IKE SAs of a connection that are being established, or all that
// carry nothing.
func (v Verbs) endAttempts(ctx context.Context, name string, all bool) error {
	loaded, err := v.swan().look(ctx, []string{name})
	errs := []error{err}
	for _, ike := range loaded[name].SAs {
		if ike.State != "ESTABLISHED" || all && len((connection{SAs: []vici.SA{ike}}).installed()) == 0 {
			errs = append(errs, v.swan().endIKE(ctx, ike.ID))
		}
	}
	return errors.Join(errs...)
}

// endOthers ends what charon is about to establish besides the one of that name.
func (v Verbs) endOthers(ctx context.Context, all []candidate, name string) error {
	var errs []error
	for _, c := range all {
		if c.Name != name && c.trying() {
			errs = append(errs, v.endAttempts(ctx, c.Name, false))
		}
	}
	return errors.Join(errs...)
}

// end ends what carried before or besides the one of that name: of a dead one all, so that
// its next IKE SA tells by its age how long it has been well; of one that is well the
// child SAs alone, so that it stays ready.
func (v Verbs) end(ctx context.Context, past *past, verdict verdict, name string) error {
	others := verdict.besides
	if verdict.carrier != nil {
		others = append(others, *verdict.carrier)
	}
	var errs []error
	for _, c := range others {
		if c.Name == name {
			continue
		}
		for _, ike := range c.SAs {
			if c.failed != "" {
				errs = append(errs, v.swan().endIKE(ctx, ike.ID))
				continue
			}
			for _, child := range ike.Children {
				errs = append(errs, v.swan().endChild(ctx, child.ID))
			}
		}
		past.forget(c.Name)
	}
	return errors.Join(errs...)
}
