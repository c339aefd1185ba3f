package engine

import (
	"context"
	"errors"
	"strings"
	"testing"

	"vpnd/internal/resource"
)

// bulky is a kind that takes away many at once, but for those that are broken.
type bulky struct{ *host }

func (t bulky) RemoveAll(ctx context.Context, names []string) error {
	t.log = append(t.log, "take away "+strings.Join(names, ", "))
	var errs []error
	for _, name := range names {
		if t.broken[name] {
			errs = append(errs, &resource.NameError{Name: name, Err: errors.New("it is broken")})
		} else {
			delete(t.things, name)
		}
	}
	return errors.Join(errs...)
}

func TestWhatLeavesGoesTogetherWhereTheKindCan(t *testing.T) {
	r := newRig(t)
	r.more = []resource.Kind{resource.Define("many", "", bulky{r.host})}
	of := func(name string) resource.Resource {
		w := wish(name, text("1"))
		w.ID.Kind = "many"
		return w
	}
	r.converge(of("a"), of("b"), of("c"), wish("d", text("1")))
	r.took()
	r.broken["b"] = true
	report := r.apply()
	expect(t, "removed", r.took(), "remove d; take away c, b, a")
	if err := report.Failed(); err == nil || err.Error() != `many.b: it is broken` {
		t.Errorf("failed: %v", err)
	}
	expect(t, "next", told(r.plan()), "remove b (dropped)")
	delete(r.broken, "b")
	r.converge()
	expect(t, "the rest", r.took(), "take away b")
}
