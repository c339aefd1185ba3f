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

func (t bulky) Remove(ctx context.Context, names []string) error {
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
	r.more = []resource.Kind{resource.Define("many", "", resource.Traits{Together: true}, bulky{r.host})}
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

// What leaves with different blocks goes together too, given back or taken away,
// but never before what needs it.
func TestWhatLeavesWithOtherBlocksGoesTogether(t *testing.T) {
	r := newRig(t)
	r.more = []resource.Kind{resource.Define("many", "", resource.Traits{Together: true}, bulky{r.host})}
	var all []resource.Resource
	for _, block := range []string{"x", "y", "z"} {
		file, unit := wish(block+"-file", text("1")), wish(block+"-unit", text("1"), block+"-file")
		unit.ID.Kind = "many"
		file.Owners, unit.Owners = owner(block), owner(block)
		all = append(all, file, unit)
	}
	user := wish("user", text("1"))
	user.Owners, user.After = owner("user"), []resource.ID{{Kind: "many", Name: "x-unit"}}
	r.converge(append(all, user)...)
	r.took()
	r.converge()
	expect(t, "removed", r.took(), "remove user; take away z-unit, y-unit, x-unit; remove z-file; remove y-file; remove x-file")

	user.Owners = owner("y") // and so between the others
	r.converge(append(all, user)...)
	r.took()
	r.converge()
	expect(t, "removed", r.took(), "take away z-unit; remove z-file; remove user; take away y-unit, x-unit; remove y-file; remove x-file")
}
