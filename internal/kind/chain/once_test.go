package chain

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"vpnd/internal/kind/chain/kernel"
)

// Two hundred chains come and go in one transaction each way.
func TestManyChainsAreOneTransaction(t *testing.T) {
	everywhere(t, func(r room) {
		wants := make(map[string]*Chain)
		for i := range 200 {
			wants[r.name(fmt.Sprintf("filter/VPND-%d", i))] = wishFor("FORWARD", "", "-p tcp -j ACCEPT")
		}
		normal := r.normal(wants)
		transactions := func(do func() error) uint32 {
			r.Helper()
			before, err := kernel.Generation()
			if err == nil {
				err = do()
			}
			after, again := kernel.Generation()
			if err != nil || again != nil {
				r.Fatal(err, again)
			}
			return after - before
		}
		// The first one makes the table.
		if err := r.Apply(context.Background(), r.changes(r.normal(map[string]*Chain{r.name("filter/VPND-FIRST"): wishFor("", "")}))); err != nil {
			r.Fatal(err)
		}
		most := map[string]uint32{kernel.NFT: 1, kernel.Legacy: 0}[r.Backend] // the legacy backend has none of nf_tables
		if n := transactions(func() error { return r.Apply(context.Background(), r.changes(normal)) }); n != most {
			r.Errorf("made in %d transactions", n)
		}
		if len(r.observe(wants)) != 200 {
			r.Fatal("they are not there")
		}
		if n := transactions(func() error { return r.Remove(context.Background(), slices.Sorted(maps.Keys(wants))) }); n != most {
			r.Errorf("removed in %d transactions", n)
		}
		if seen := r.observe(wants); len(seen) > 0 {
			r.Errorf("still there: %v", seen)
		}
	})
}
