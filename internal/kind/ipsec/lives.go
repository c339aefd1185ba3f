package ipsec

import "vpnd/internal/resource"

// lives judges how long SAs live. When one gets new keys charon draws from before
// rekey_time, out of a range as long as what is between that and the end of its life
// (swanctl.conf(5), rand_time): where that is longer than rekey_time itself it gets
// them at once, again and again.
func (m *mistakes) lives(c *Connection) {
	if until, over := c.RekeyTime, c.OverTime; until != nil && over != nil && *until > 0 && *over > *until {
		m.add("over_time", "it is longer than rekey_time, and the IKE SA may get new keys at once, again and again", "Write at most that, or leave it out: it is a tenth of it then.")
	}
	for _, child := range c.Children {
		at := "child." + child.Name + ".life_time"
		until, life := resource.Or(child.RekeyTime, 0), resource.Or(child.LifeTime, 0)
		if until == 0 || life == 0 {
			continue
		}
		if life <= until {
			m.add(at, "the child SA is closed before it gets new keys", "Write more than rekey_time, or leave it out: it is a tenth more then.")
		} else if life > 2*until {
			m.add(at, "it is over twice rekey_time, and the child SA may get new keys at once, again and again", "Write at most that, or leave it out: it is a tenth more then.")
		}
	}
}
