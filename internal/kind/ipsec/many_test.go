package ipsec

import (
	"fmt"
	"os/exec"
	"testing"
	"time"

	"vpnd/internal/kind/ipsec/proof"
	"vpnd/internal/resource"
)

// Of two hundred connections a look costs one answer of charon's, and a change of one
// loads that one.
func TestTwoHundredConnections(t *testing.T) {
	v, _ := host(t)
	v.Proofs = new(proof.Cache)
	wants := make(map[string]*Connection)
	for i := range 200 {
		wants[fmt.Sprintf("c%03d", i)] = resource.Ptr(tunnel(func(c *Connection) {
			c.RemoteAddrs = []string{fmt.Sprintf("192.0.2.%d", i)}
			c.Children[0].RemoteTS = []string{fmt.Sprintf("10.2.%d.0/24", i)}
		}))
	}
	plan := func() (items []resource.Item[Connection], took time.Duration) {
		t.Helper()
		began := time.Now()
		normal, err := v.Normalize(t.Context(), wants)
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.Observe(t.Context(), normal)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range normal {
			if len(resource.Compare(got[name], want)) > 0 {
				items = append(items, resource.Item[Connection]{Name: name, Got: got[name], Want: *want})
			}
		}
		return items, time.Since(began)
	}
	apply := func(items []resource.Item[Connection]) time.Duration {
		t.Helper()
		began := time.Now()
		for _, i := range items {
			if err := v.Check(t.Context(), i.Name, i.Want); err != nil {
				t.Fatal(err)
			}
		}
		if err := v.Apply(t.Context(), items); err != nil {
			t.Fatal(err)
		}
		return time.Since(began)
	}
	items, _ := plan()
	all := apply(items)
	again, noop := plan()
	if len(items) != 200 || len(again) != 0 {
		t.Fatalf("%d to make, and %d that are not as they shall be", len(items), len(again))
	}
	for range 4 { // the fastest, on a busy machine
		_, took := plan()
		noop = min(noop, took)
	}
	wants["c100"].DPDDelay = resource.Ptr(resource.Duration(30 * time.Second))
	items, _ = plan()
	if len(items) != 1 {
		t.Fatalf("%d to change", len(items))
	}
	one := apply(items)
	began := time.Now()
	if out, err := exec.Command("swanctl", "--load-all", "--noprompt").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("200 made: %s; a plan with nothing to do: %s; one changed, its proof included: %s; swanctl --load-all: %s", all, noop, one, time.Since(began))
	if noop > 100*time.Millisecond || one > time.Second {
		t.Errorf("a plan with nothing to do takes %s, and one change %s", noop, one)
	}
}
