package proof

import (
	"context"
	"crypto/sha256"
	"maps"
	"slices"
	"sync"

	"vpnd/internal/kind/ipsec/swanctl"
	"vpnd/internal/kind/ipsec/vici"
)

// A Cache remembers what was proved, and proves what a plan is about in one go. Its
// zero value is ready.
type Cache struct {
	mu       sync.Mutex
	expected func() []*swanctl.Section
	verdicts map[digest]error
}

type digest [sha256.Size]byte

func digestOf(s *swanctl.Section) digest {
	return sha256.Sum256([]byte(s.Name + "\n" + swanctl.Render(s)))
}

// most bounds what is remembered.
const most = 10000

// Expect notes what will be asked about besides, where anything is, so that one
// charon judges all of it.
func (c *Cache) Expect(all func() []*swanctl.Section) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expected = all
}

// Ask returns what charon objects to.
func (c *Cache) Ask(ctx context.Context, s *swanctl.Section, read vici.Reader) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := digestOf(s)
	if verdict, known := c.verdicts[d]; known {
		return verdict
	}
	all := map[string]*swanctl.Section{}
	if c.expected != nil {
		for _, one := range c.expected() {
			all[one.Name] = one
		}
	}
	all[s.Name], c.expected = s, nil
	verdicts, err := Prove(ctx, slices.Collect(maps.Values(all)), read)
	if err != nil {
		return err
	}
	if c.verdicts == nil || len(c.verdicts) > most {
		c.verdicts = make(map[digest]error)
	}
	for _, one := range all {
		c.verdicts[digestOf(one)] = verdicts[one.Name]
	}
	return verdicts[s.Name]
}
