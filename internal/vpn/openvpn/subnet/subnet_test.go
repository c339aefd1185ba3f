package subnet

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// people are some names, which differ from draw to draw.
func people(draw, n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("person-%d-%d", draw, i))
	}
	return all
}

func TestEverybodyHasASeatOfTheirOwn(t *testing.T) {
	for _, c := range []struct{ people, seats int }{{0, 1}, {1, 1}, {2, 2}, {5, 6}, {6, 6}, {100, 125}, {125, 125}, {900, 1022}, {253, 254}} {
		names := people(c.people, c.people)
		got := Spread(names, c.seats, nil)
		if len(got) != len(names) {
			t.Fatalf("%d people have %d of %d seats", c.people, len(got), c.seats)
		}
		seen := make(map[int]bool)
		for _, seat := range got {
			if seat < 0 || seat >= c.seats || seen[seat] {
				t.Errorf("seat %d of %d is given twice, or is none", seat, c.seats)
			}
			seen[seat] = true
		}
	}
	if got := Spread(people(0, 4), 4, map[string]int{"fixed": 2}); got != nil {
		t.Errorf("five people have four seats: %v", got)
	}
}

// The order of a list of users says nothing, and neither does where it begins.
func TestOrderSaysNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for draw := range 50 {
		n := 1 + r.IntN(120)
		names, taken := people(draw, n), map[string]int{"fixed": r.IntN(126), "other": 126}
		want := Spread(names, 127, taken)
		r.Shuffle(n, func(a, b int) { names[a], names[b] = names[b], names[a] })
		if got := Spread(names, 127, taken); !maps.Equal(got, want) {
			t.Fatalf("draw %d: in another order it is %v and not %v", draw, got, want)
		}
		if want["other"] != 126 || want["fixed"] != taken["fixed"] {
			t.Errorf("draw %d: who had a seat has another", draw)
		}
	}
}

// Who comes or goes moves few others: with a quarter of the seats taken, one in five
// times anybody at all.
func TestFewAreMoved(t *testing.T) {
	moved, disturbed, draws := 0, 0, 400
	for draw := range draws {
		names := people(draw, 64)
		with, without := Spread(names, 254, nil), Spread(names[1:], 254, nil)
		n := 0
		for name, seat := range without {
			if with[name] != seat {
				n++
			}
		}
		moved += n
		if n > 0 {
			disturbed++
		}
	}
	if moved > draws/3 || disturbed > draws/4 {
		t.Errorf("of %d who came, %d moved others, %d of them", draws, disturbed, moved)
	}
	t.Logf("of %d who came, %d moved others, %d of them", draws, disturbed, moved)
}

func TestPlacesAreKept(t *testing.T) {
	for _, c := range []struct{ a, from, to, want string }{
		{"10.8.0.9", "10.8.0.0/24", "10.8.1.0/24", "10.8.1.9"},
		{"10.8.0.9", "10.8.0.0/24", "10.8.0.0/24", "10.8.0.9"},
		{"10.8.0.200", "10.8.0.0/24", "10.8.2.0/25", ""},
		{"10.8.0.100", "10.8.0.0/24", "10.8.2.0/25", "10.8.2.100"},
		{"10.8.2.100", "10.8.2.0/25", "10.8.4.128/25", "10.8.4.228"},
		{"fd00::9", "fd00::/65", "fd00:0:0:0:8000::/65", "fd00::8000:0:0:9"},
		{"fd00::9", "fd00::/65", "10.8.0.0/24", ""},
	} {
		got, ok := Transpose(netip.MustParseAddr(c.a), netip.MustParsePrefix(c.from), netip.MustParsePrefix(c.to))
		if ok != (c.want != "") || ok && got.String() != c.want {
			t.Errorf("%s of %s is %v in %s (%v), and not %s", c.a, c.from, got, c.to, ok, c.want)
		}
	}
	for n, want := range map[int]string{0: "10.8.255.0", 1: "10.9.0.0", 300: "10.10.43.0"} {
		if got := Advance(netip.MustParseAddr("10.8.255.0"), n, 8).String(); got != want {
			t.Errorf("%d behind 10.8.255.0 is %s and not %s", n, got, want)
		}
	}
}
