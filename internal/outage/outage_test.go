package outage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// tunnels are as words say: "a+ b-" is one that is up and one that is down, "c?" one
// that nobody could look at, "d~" one that is down until somebody wants it.
func tunnels(words string) (all []status.Tunnel) {
	for _, word := range strings.Fields(words) {
		t := status.Tunnel{ID: resource.ID{Kind: "wire", Name: word[:1]}, Block: "site.x"}
		switch word[1] {
		case '+':
			t.Up = true
		case '-':
			t.Why = "no answer"
		case '?':
			t.Error = "no permission"
		case '~':
			t.OnDemand = true
		}
		all = append(all, t)
	}
	return all
}

// Each table is a host over time, in seconds.
func TestWhatIsToldOfTunnels(t *testing.T) {
	type step struct {
		at   int
		as   string
		want string
	}
	for name, steps := range map[string][]step{
		"all is well": {{0, "a+ d~", ""}, {100, "a+ d~", ""}},
		"down, and back": {
			{0, "a+ b+", ""},
			{100, "a- b+", ""},
			{105, "a- b+", ""},
			{110, "a- b+", "tunnel a of site.x is down: no answer"},
			{111, "a- b+", ""},
			{170, "a+ b+", "tunnel a of site.x is up again, after 1m10s"},
			{171, "a+ b+", ""},
		},
		"down from the beginning":     {{0, "a-", ""}, {10, "a-", "tunnel a of site.x is down: no answer"}},
		"back before anybody is told": {{0, "a+", ""}, {1, "a-", ""}, {5, "a+", ""}, {100, "a+", ""}},
		"out of sight":                {{0, "a+", ""}, {1, "a?", ""}, {100, "a?", ""}, {101, "a+", ""}},
		"out of sight while down":     {{0, "a-", ""}, {10, "a-", "tunnel a of site.x is down: no answer"}, {20, "a?", ""}, {30, "a-", ""}, {40, "a+", "tunnel a of site.x is up again, after 40s"}},
		"goes with its block":         {{0, "a-", ""}, {10, "a-", "tunnel a of site.x is down: no answer"}, {20, "", ""}, {30, "a+", ""}},
		"again and again": {
			{0, "a-", ""},
			{1, "a+", ""},
			{2, "a-", ""},
			{3, "a+", ""},
			{4, "a-", ""},
			{5, "a+", ""},
			{6, "a-", ""},
			{7, "a+", ""},
			{8, "a-", "tunnel a of site.x was lost 5 times within 10m: no answer; it is told of again once it keeps still for so long"},
			{9, "a+", ""},
			{30, "a-", ""},
			{90, "a+", ""},
			{300, "a-", ""},
			{301, "a+", ""},
			{900, "a+", ""},
			{901, "a+", "tunnel a of site.x keeps still: it is up"},
			{902, "a-", ""},
			{912, "a-", "tunnel a of site.x is down: no answer"},
		},
		"again and again, and then no more": {
			{0, "a-", ""},
			{1, "a+", ""},
			{2, "a-", ""},
			{3, "a+", ""},
			{4, "a-", ""},
			{5, "a+", ""},
			{6, "a-", ""},
			{7, "a+", ""},
			{8, "a-", "tunnel a of site.x was lost 5 times within 10m: no answer; it is told of again once it keeps still for so long"},
			{608, "a-", "tunnel a of site.x keeps still: it is down: no answer"},
			{700, "a+", "tunnel a of site.x is up again, after 11m32s"},
		},
		"now and then": {{0, "a-", ""}, {1, "a+", ""}, {200, "a-", ""}, {201, "a+", ""}, {400, "a-", ""}, {401, "a+", ""}, {601, "a-", ""}, {602, "a+", ""}, {801, "a-", ""}, {802, "a+", ""}, {1001, "a-", ""}},
	} {
		var l Log
		for _, s := range steps {
			var got []string
			for _, n := range l.Look(time.Unix(int64(s.at), 0), tunnels(s.as)) {
				got = append(got, n.String())
			}
			if fmt.Sprint(got) != "["+s.want+"]" {
				t.Errorf("%s, at %d: %q instead of %q", name, s.at, got, s.want)
			}
		}
	}
}

// What is going to be news is looked at then, and not all the time where that comes to
// nothing.
func TestWhenTunnelsAreLookedAt(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	var l Log
	if _, ok := l.Next(); ok {
		t.Error("where nothing is known something is due")
	}
	l.Look(at(0), tunnels("a+ b-"))
	l.Look(at(4), tunnels("a- b-"))
	for _, due := range []struct {
		at   int
		want string
	}{{10, "[wire.b]"}, {14, "[wire.a]"}, {20, "[wire.b]"}} {
		next, ok := l.Next()
		if got := fmt.Sprint(l.Take(next)); !ok || !next.Equal(at(due.at)) || got != due.want {
			t.Errorf("%s at %d, and not %s at %d", got, next.Unix(), due.want, due.at)
		}
	}
	l.Look(at(24), tunnels("a+ b-"))
	if next, ok := l.Next(); ok {
		t.Errorf("all was told, and something is due at %d", next.Unix())
	}
}
