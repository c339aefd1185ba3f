package subnet

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
)

// Spread gives each of some names one of a number of seats, from 0 on, by what the names
// are alone: their order says nothing, and a name that comes or goes moves few others, and
// most often none. Some have a seat already. It returns nil where there are too few.
//
// Every name prefers some seats to others and every seat some names, by hashes of both, and
// they are matched as Gale and Shapley do, whose result does not depend on who begins.
func Spread(names []string, seats int, taken map[string]int) map[string]int {
	result := maps.Clone(taken)
	if result == nil {
		result = make(map[string]int, len(names))
	}
	holders := make(map[int]string, len(names))
	for name, seat := range taken {
		holders[seat] = name
	}
	if len(names)+len(holders) > seats {
		return nil
	}
	asked := make(map[string]int, len(names))
	waiting := slices.Clone(names)
	for len(waiting) > 0 {
		name := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		seat := choice(name, asked[name], seats)
		asked[name]++
		holder, held := holders[seat]
		if _, fixed := taken[holder]; held && (fixed || less(holder, name, seat)) {
			waiting = append(waiting, name)
			continue
		}
		if held {
			delete(result, holder)
			waiting = append(waiting, holder)
		}
		holders[seat], result[name] = name, seat
	}
	return result
}

// choice is the n-th seat that a name prefers; it prefers each one once.
func choice(name string, n, seats int) int {
	h := sha256.Sum256([]byte(name))
	first := binary.BigEndian.Uint64(h[:]) % uint64(seats)
	step := binary.BigEndian.Uint64(h[8:])%uint64(seats) | 1
	for gcd(step, uint64(seats)) != 1 {
		step += 2
	}
	return int((first + uint64(n)%uint64(seats)*(step%uint64(seats))) % uint64(seats))
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// less says whether a seat prefers one name to another.
func less(a, b string, seat int) bool {
	rank := func(name string) []byte {
		h := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(name+"\x00"), uint64(seat)))
		return h[:]
	}
	return slices.Compare(rank(a), rank(b)) < 0
}
