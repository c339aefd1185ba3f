package engine

import (
	"context"
	"testing"

	"vpnd/internal/resource"
)

// Somebody restarts a server with a file of his own: when the plan is made it is
// down, and when the file is repaired it runs with what it has read.
func TestReaderThatSomebodyElseStartedMeanwhileIsRefreshed(t *testing.T) {
	r := newRig(t)
	all := []resource.Resource{wish("conf", text("1")), reader(resource.Restart, "conf")}
	r.converge(all...)
	r.things["conf"] = text("wrong")
	r.things["reader"] = thing{Active: resource.Ptr(false)}
	p := r.plan(all...)
	expect(t, "plan", told(p), "update conf (drift); update reader (drift)")
	r.things["reader"] = thing{Active: resource.Ptr(true)}
	r.took()
	if err := r.engine().Apply(context.Background(), p).Failed(); err != nil {
		t.Fatal(err)
	}
	expect(t, "done", r.took(), "apply conf; restart reader")
	expect(t, "left", told(r.plan(all...)), "")
}
