// Package resourcetest checks that a kind keeps its contract, on the real
// thing.
package resourcetest

import (
	"context"
	"reflect"
	"testing"

	"vpnd/internal/resource"
)

// A Case is one life of a thing: it is created, created again, changed, put
// back, removed and removed again.
type Case[T any] struct {
	Name   string
	First  T // the wish that creates it
	Second T // another wish for the same name; its attributes must differ from what First leaves
}

// Conform leads a kind through a whole life and fails the test where the host
// is not as its last verb said:
//
//   - not there is nil, and removing what is not there is no error;
//   - after Apply a comparison with the wish is empty, and stays so;
//   - an observation leaves nothing nil, once it is completed where it has to be,
//     changes nothing, and is itself a wish that brings the earlier state back;
//   - also who is told of no wish sees that it is there;
//   - what was observed survives being written down and read again.
func Conform[T any](t *testing.T, v resource.Verbs[T], c Case[T]) {
	t.Helper()
	ctx := context.Background()
	k := resource.Define("it", "", resource.Traits{}, v)
	observe := func(want any) any {
		t.Helper()
		o := k.Observe(ctx, map[string]any{c.Name: want})[c.Name]
		if o.Err != nil {
			t.Fatalf("observing: %v", o.Err)
		}
		return o.Got
	}
	whole := func(got any) any {
		t.Helper()
		if err := k.Complete(c.Name, got); err != nil {
			t.Fatalf("completing: %v", err)
		}
		return got
	}
	converge := func(what string, want any) any {
		t.Helper()
		normal, err := k.Normalize(ctx, map[string]any{c.Name: want})
		if err != nil {
			t.Fatalf("%s: normalising: %v", what, err)
		}
		want = normal[c.Name]
		for range 2 {
			if err := k.Apply(ctx, []resource.Change{{Name: c.Name, Got: observe(want), Want: want}}); err != nil {
				t.Fatalf("%s: applying: %v", what, err)
			}
			if diffs := resource.Compare(observe(want), want); len(diffs) > 0 {
				t.Fatalf("%s: still differs after Apply: %+v", what, diffs)
			}
		}
		if got := observe(nil); got == nil {
			t.Fatalf("%s: who knows no wish sees nothing there", what)
		}
		complete(t, observe(nil))
		complete(t, whole(observe(want)))
		return want
	}
	if got := observe(nil); got != nil {
		t.Fatalf("there before it was made: %+v", got)
	}
	wish := converge("first", &c.First)
	first := whole(observe(wish))
	if again := whole(observe(wish)); !resource.Equal(first, again) {
		t.Fatalf("two looks differ: %+v and %+v", first, again)
	}
	if diffs := resource.Compare(first, &c.Second); len(diffs) == 0 {
		t.Fatal("the second wish asks for nothing new, so the test shows nothing")
	}
	converge("second", &c.Second)
	converge("back to the first, as observed", reread(t, k, first))
	if back := whole(observe(wish)); !resource.Equal(first, back) {
		t.Fatalf("restored %+v, found %+v", first, back)
	}
	for range 2 {
		if err := k.Remove(ctx, c.Name); err != nil {
			t.Fatalf("removing: %v", err)
		}
	}
	if got := observe(wish); got != nil {
		t.Fatalf("there after it was removed: %+v", got)
	}
}

func complete(t *testing.T, shape any) {
	t.Helper()
	v := reflect.ValueOf(shape).Elem()
	for _, f := range resource.Fields(v.Type()) {
		value := v.Field(f.Index)
		switch value.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			if value.IsNil() && !f.Hint {
				t.Errorf("the observation leaves %s nil", f.Name)
			}
		}
	}
}

func reread(t *testing.T, k resource.Kind, shape any) any {
	t.Helper()
	data, err := resource.Encode(shape, resource.Reveal)
	if err != nil {
		t.Fatalf("writing down: %v", err)
	}
	again := k.New()
	if err := resource.Decode(data, again); err != nil {
		t.Fatalf("reading %s: %v", data, err)
	}
	if !resource.Equal(shape, again) {
		t.Fatalf("wrote down %+v, read %+v", shape, again)
	}
	return again
}
