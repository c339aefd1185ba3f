package proof

import (
	"context"
	"crypto/sha256"
	"sync"

	"vpnd/internal/kind/ipsec/swanctl"
	"vpnd/internal/kind/ipsec/vici"
)

// A Cache remembers what was proved, and proves what a plan is about in one go. Its
// zero value is ready.
type Cache struct {
	mu       sync.Mutex
	expected map[digest]*swanctl.Section // what will be asked about soon
	verdicts map[digest]error
}

type digest [sha256.Size]byte

func digestOf(s *swanctl.Section) digest {
	return sha256.Sum256([]byte(s.Name + "\n" + swanctl.Render(s)))
}

// most bounds what is remembered.
const most = 10000

// Expect notes what will be asked about, so that one charon judges all of it.
func (c *Cache) Expect(s *swanctl.Section) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.expected == nil || len(c.expected) > most {
		c.expected = make(map[digest]*swanctl.Section)
	}
	d := digestOf(s)
	if _, known := c.verdicts[d]; !known {
		c.expected[d] = s
	}
}

// Ask returns what charon objects to.
func (c *Cache) Ask(ctx context.Context, s *swanctl.Section, read vici.Reader) error {
	c.Expect(s)
	c.mu.Lock()
	defer c.mu.Unlock()
	d := digestOf(s)
	if verdict, known := c.verdicts[d]; known {
		return verdict
	}
	all := make([]*swanctl.Section, 0, len(c.expected))
	for _, one := range c.expected {
		all = append(all, one)
	}
	verdicts, err := Prove(ctx, all, read)
	if err != nil {
		return err
	}
	if c.verdicts == nil || len(c.verdicts) > most {
		c.verdicts = make(map[digest]error)
	}
	for d, one := range c.expected {
		c.verdicts[d] = verdicts[one.Name]
	}
	c.expected = nil
	return c.verdicts[d]
}
