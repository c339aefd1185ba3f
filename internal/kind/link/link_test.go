package link

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"vpnd/internal/nettest"
	"vpnd/internal/resource"
)

func TestMain(m *testing.M) { nettest.Main(m) }

// ip runs ip(8), the other writer.
func ip(t *testing.T, args string) string {
	t.Helper()
	out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
	return string(out)
}

func prefixes(words ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(words))
	for i, w := range words {
		list[i] = netip.MustParsePrefix(w)
	}
	return list
}

// show prints a shape without its pointers.
func show(shape any) string {
	var words []string
	for _, d := range resource.Describe(shape) {
		words = append(words, d.Attribute+"="+d.After)
	}
	return strings.Join(words, " ")
}

func mistakes(found []resource.Mistake) string {
	var b strings.Builder
	for _, m := range found {
		fmt.Fprintf(&b, "%s: %s; %s\n", m.Path, m.Summary, m.Hint)
	}
	return b.String()
}

func TestInterruptedListIsReadAgainAndNeverHalfBelieved(t *testing.T) {
	calls := 0
	list := func(interruptions int) func() ([]int, error) {
		calls = 0
		return func() ([]int, error) {
			if calls++; calls <= interruptions {
				return []int{1}, netlink.ErrDumpInterrupted
			}
			return []int{1, 2}, nil
		}
	}
	if got, err := dump(list(attempts - 1)); err != nil || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	got, err := dump(list(attempts))
	if got != nil || err == nil || err.Error() != "the list changed each of the 5 times it was read; try again when the network is quieter" {
		t.Errorf("%v, %v", got, err)
	}
	broken := errors.New("broken")
	if _, err := dump(func() ([]int, error) { calls = 0; return nil, broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
}
