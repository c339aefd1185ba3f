package engine

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/resource"
)

// What stood there before vpnd and is lost is named and can't be given back; all
// else is, also by an undo.
func TestLostPriorsStopNothing(t *testing.T) {
	r := newRig(t)
	r.things["a"], r.things["b"] = text("theirs"), text("theirs")
	wishes := []resource.Resource{wish("a", text("1")), wish("b", text("1"), "a"), wish("c", text("1"), "b")}
	r.converge(wishes...)
	e := r.engine()
	record, _ := e.Store.Record(wishes[0].ID)
	if err := os.Remove(filepath.Join(e.Store.Dir(), "priors", record.Prior)); err != nil {
		t.Fatal(err)
	}
	p, err := e.Plan(context.Background(), resource.Desired{Absent: e.Leftovers(nil)})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Lost) != 1 || p.Lost[0].ID != wishes[0].ID || len(p.Notes) != 1 || !strings.Contains(p.Notes[0].Text, record.Prior) {
		t.Errorf("lost: %+v, notes: %+v", p.Lost, p.Notes)
	}
	if err := e.Apply(context.Background(), p).Failed(); err != nil {
		t.Fatal(err)
	}
	if got := r.texts(); len(got) != 1 || got["b"] != "theirs" {
		t.Errorf("left: %v", got)
	}
	if left := e.Store.Records(); len(left) > 0 {
		t.Errorf("on record: %+v", left)
	}
}
