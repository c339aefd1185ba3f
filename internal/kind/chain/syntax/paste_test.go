package syntax

import (
	"os/exec"
	"testing"
)

// What people are told to run is harmless to paste, and deletes the very rule.
func TestCommandsAreHarmlessToPaste(t *testing.T) {
	s := Spot{Family: "ip", Table: "filter", Chain: "INPUT"}
	for rule, want := range map[string]string{
		`! -s 10.0.0.0/8 -j ACCEPT`:                                `iptables -t filter -D INPUT ! -s 10.0.0.0/8 -j ACCEPT`,
		`-m comment --comment "$(reboot)" -j ACCEPT`:               `iptables -t filter -D INPUT -m comment --comment '$(reboot)' -j ACCEPT`,
		"-m comment --comment \"`reboot`; !x\" -j ACCEPT":          "iptables -t filter -D INPUT -m comment --comment '`reboot`; !x' -j ACCEPT",
		`-m comment --comment "it's \"open\" & \\more" -j ACCEPT`:  `iptables -t filter -D INPUT -m comment --comment 'it'\''s "open" & \more' -j ACCEPT`,
		`-m string --string "a > /etc/passwd" --algo bm -j ACCEPT`: `iptables -t filter -D INPUT -m string --string 'a > /etc/passwd' --algo bm -j ACCEPT`,
	} {
		got := TakeAway(s, rule)
		if got != want {
			t.Errorf("%s\ngives %s\nwant  %s", rule, got, want)
		}
		list, err := Words(rule)
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("sh", "-c", "iptables() { shift 4; for w; do printf '%s\\0' \"$w\"; done; }; "+got).Output()
		var seen string
		for _, word := range list {
			seen += word + "\x00"
		}
		if err != nil || string(out) != seen {
			t.Errorf("a shell makes %q of %s, want %q (%v)", out, got, seen, err)
		}
	}
}
