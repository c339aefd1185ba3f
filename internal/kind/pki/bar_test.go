package pki

import (
	"math/big"
	"testing"
	"time"
)

// The number of a list is above all that is known, and above a list that only the
// clock tells of: one that came after what is on record, and is lost.
func TestNumbersGrowWhateverIsForgotten(t *testing.T) {
	now := time.Unix(1000, 0)
	for _, c := range []struct{ promised, highest, want int64 }{
		{0, 0, now.UnixNano()},
		{now.UnixNano() - 5, 0, now.UnixNano()},
		{now.UnixNano() - 5, now.UnixNano() - 5, now.UnixNano()},
		{now.UnixNano() + 5, 0, now.UnixNano() + 5}, // the clock was set back
		{now.UnixNano() + 5, now.UnixNano() + 5, now.UnixNano() + 6},
	} {
		st := &survey{now: now, highest: big.NewInt(c.highest)}
		if c.promised != 0 {
			st.promised = big.NewInt(c.promised)
		}
		if got := st.next(); got.Int64() != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
