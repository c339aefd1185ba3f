package watch

import (
	"slices"
	"strconv"
	"testing"

	"vpnd/internal/resource"
)

func TestQueueKeepsHintsInOrderAndBlocksNobody(t *testing.T) {
	q := NewQueue(guards)
	want := []resource.Hint{{Kind: "file", Name: "/a"}, {Kind: "file", Name: "/b", By: "vim (process 7)"}}
	for _, h := range want {
		q.Put(h)
	}
	select {
	case <-q.Wake():
	default:
		t.Error("nobody is woken")
	}
	if q.isUrgent() {
		t.Error("files are urgent")
	}
	q.Put(resource.Hint{Kind: "chain"})
	if !q.isUrgent() {
		t.Error("chains are not urgent")
	}
	want = append(want, resource.Hint{Kind: "chain"})
	if waiting := q.Waiting(); !slices.Equal(waiting, want) {
		t.Errorf("%v wait", waiting)
	}
	if got := q.Take(); !slices.Equal(got, want) || q.isUrgent() || len(q.Take()) != 0 {
		t.Errorf("took %v", got)
	}
}

// More hints than anybody would follow say that everything may have changed.
func TestFullQueueSaysEverywhere(t *testing.T) {
	q := NewQueue(guards)
	for i := range MostHints + 8 {
		q.Put(resource.Hint{Kind: "file", Name: strconv.Itoa(i)})
	}
	if got := q.Take(); len(got) != MostHints || got[MostHints-1] != (resource.Hint{}) {
		t.Errorf("%d hints, the last %+v", len(got), got[len(got)-1])
	}
}
