package chain

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/resource/resourcetest"
)

func TestValidateNames(t *testing.T) {
	for name, want := range map[string]string{
		"ip/filter/VPND-FORWARD":                  "",
		"ip6/raw/VPND-" + strings.Repeat("x", 23): "",
		"":                         `"" is no name of a chain | write family/table/chain, as in ip/filter/VPND-FORWARD`,
		"ip/filter":                `"ip/filter" is no name of a chain | write family/table/chain, as in ip/filter/VPND-FORWARD`,
		"ip/filter/VPND-X/y":       `"ip/filter/VPND-X/y" is no name of a chain | write family/table/chain, as in ip/filter/VPND-FORWARD`,
		"inet/filter/VPND-X":       `"inet" is no family | write ip or ip6`,
		"ip/security/VPND-X":       `"security" is no table that vpnd writes | one of raw, mangle, nat, filter`,
		"ip/filter/FORWARD":        `"FORWARD" is no name of a chain of vpnd's own | write VPND- and 1 to 23 letters, digits, _, . or -`,
		"ip/filter/VPND-":          `"VPND-" is no name of a chain of vpnd's own | write VPND- and 1 to 23 letters, digits, _, . or -`,
		"ip/filter/VPND-X\n-F":     `"VPND-X\n-F" is no name of a chain of vpnd's own | write VPND- and 1 to 23 letters, digits, _, . or -`,
		"ip/filter/VPND-X -j DROP": `"VPND-X -j DROP" is no name of a chain of vpnd's own | write VPND- and 1 to 23 letters, digits, _, . or -`,
		"ip/filter/VPND-" + strings.Repeat("x", 24): `"VPND-xxxxxxxxxxxxxxxxxxxxxxxx" is no name of a chain of vpnd's own | write VPND- and 1 to 23 letters, digits, _, . or -`,
	} {
		if got := mistakes(wishFor("", ""), name); got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", name, got, want)
		}
	}
}

func TestValidateHookAndPlace(t *testing.T) {
	for name, hook := range map[string]string{"ip/raw/VPND-X": "FORWARD", "ip/filter/VPND-X": "PREROUTING", "ip/nat/VPND-X": "FORWARD", "ip/mangle/VPND-X": "forward"} {
		_, table, _ := strings.Cut(strings.TrimSuffix(name, "/VPND-X"), "/")
		want := "hook: table " + table + ` has no built-in chain "` + hook + `" | one of ` + strings.Join(syntax.Hooks[table], ", ")
		if got := mistakes(wishFor(hook, ""), name); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if got := mistakes(wishFor("INPUT", "middle"), "ip/filter/VPND-X"); got != `at: "middle" is no place in a chain | write top or bottom` {
		t.Error(got)
	}
}

// What must never come through: a rule that is another command, or another line.
var injections = map[string]string{
	"":                                         "is empty",
	" \t":                                      "is empty",
	"-j ACCEPT\n-F INPUT":                      "holds a control character",
	"-j ACCEPT\r-F INPUT":                      "holds a control character",
	"-j ACCEPT\x00":                            "holds a control character",
	"COMMIT":                                   "",
	"-A INPUT -j ACCEPT":                       "-A is a command",
	"-AINPUT -j ACCEPT":                        "-AINPUT is a command",
	"-j ACCEPT -D INPUT 1":                     "-D does not belong",
	"-j ACCEPT -t nat":                         "-t does not belong",
	"-j ACCEPT -tnat":                          "-tnat does not belong",
	"-j ACCEPT --table=nat":                    "--table=nat does not belong",
	"-j ACCEPT --tab nat":                      "--tab does not belong",
	"-j ACCEPT --flush INPUT":                  "--flush does not belong",
	"-j ACCEPT --flu INPUT":                    "--flu does not belong",
	"-j ACCEPT -X":                             "-X does not belong",
	"-j ACCEPT -P INPUT DROP":                  "-P does not belong",
	"-j ACCEPT -fF INPUT":                      "-fF does not belong",
	"-j ACCEPT -M/bin/true":                    "-M/bin/true does not belong",
	"-j ACCEPT --modprobe=/bin/true":           "--modprobe=/bin/true does not belong",
	"-j ACCEPT -h":                             "-h does not belong",
	"-4 -j ACCEPT":                             "-4 is a command",
	"-j ACCEPT --ipv6":                         "--ipv6 does not belong",
	"-j ACCEPT --":                             "-- does not belong",
	`-j ACCEPT "-F" INPUT`:                     "-F does not belong",
	`-j ACCEPT "-"F INPUT`:                     "- does not belong",
	`-m comment --comment x -F INPUT`:          "-F does not belong",
	`-m comment --comment --string -F`:         "-F does not belong",
	`-m recent --name --comment -M/bin/true`:   "-M/bin/true does not belong",
	`-j --comment -F`:                          "-F does not belong",
	`-m comment --comment "x -j DROP`:          "a double quote is opened and not closed",
	`-m comment --comment 'two words' -j DROP`: "iptables-restore does not know single quotes",
	"-m comment --comment " + strings.Repeat("x", 256):           "its comment is longer than 255 bytes",
	"-j ACCEPT -m comment --comment=" + strings.Repeat("x", 256): "its comment is longer than 255 bytes",
	"-m string --string " + strings.Repeat("x", 1024):            "a word of it is longer than 1023 bytes",
	strings.Repeat("-m mark ", 1100) + "-j ACCEPT":               "is longer than 8192 bytes",
	"-i tun-of-the-office0 -j ACCEPT":                            `"tun-of-the-office0" is longer than the 15 bytes of an interface name`,
	"! -o tun-of-the-office0 -j ACCEPT":                          `"tun-of-the-office0" is longer than the 15 bytes`,
	"-s vpn.example.com -j ACCEPT":                               `"vpn.example.com" is no address; write an address or a network as CIDR; a host name would be looked up only once`,
	"-s 10.8.0.1,localhost -j ACCEPT":                            `"localhost" is no address`,
	"--dst=localhost -j ACCEPT":                                  `"localhost" is no address`,
	"-slocalhost -j ACCEPT":                                      `"localhost" is no address`,
	"-p tcp -j":                                                  "-j has no value; write the value behind it",
}

func TestRuleNeverBecomesAnotherCommand(t *testing.T) {
	for rule, want := range injections {
		if got := mistakes(wishFor("", "", "-j RETURN", rule), "ip/filter/VPND-X"); want != "" && !strings.HasPrefix(strings.ReplaceAll(got, " | ", "; "), "rules: rules[1] "+strconv.Quote(rule)+": "+want) {
			t.Errorf("%q: got %s, want %s", rule, got, want)
		}
	}
}

func TestAddressOfTheOtherFamilyIsToldSo(t *testing.T) {
	for name, address := range map[string]string{"ip/filter/VPND-X": "fd00::1", "ip6/filter/VPND-X": "10.8.0.0/24"} {
		family, _, _ := strings.Cut(name, "/")
		other := map[string]string{"ip": "ip6", "ip6": "ip"}[family]
		want := `rules: rules[0] "-d ` + address + ` -j DROP": "` + address + `" is no address of family ` + family + ` | write the rule in a chain of family ` + other
		if got := mistakes(wishFor("", "", "-d "+address+" -j DROP"), name); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// Whatever gets by Validate is still held by the rehearsal, and Apply refuses
// another line whoever asks.
func TestNoInjectionReachesTheHost(t *testing.T) {
	everywhere(t, func(r room) {
		r.iptables("-A INPUT -p udp -j DROP")
		before := r.save()
		name := r.name("filter/VPND-X")
		for rule := range injections {
			if normal, err := r.Normalize(context.Background(), map[string]*Chain{name: wishFor("INPUT", "", rule)}); err == nil {
				r.Errorf("%q was accepted: %v", rule, normal[name].Rules)
			}
			if strings.ContainsAny(rule, "\n\r\x00") {
				if err := resourcetest.Apply(context.Background(), r, name, nil, *wishFor("INPUT", "", rule)); err == nil {
					r.Errorf("%q was applied", rule)
				}
			}
		}
		if after := r.save(); after != before {
			r.Errorf("after:\n%s\nbefore:\n%s", after, before)
		}
	})
}

// mistakes writes down what Validate finds: path, summary and hint.
func mistakes(c *Chain, name string) string {
	var all []string
	for _, m := range c.Validate(name) {
		text := m.Summary + " | " + m.Hint
		if m.Path != "" {
			text = m.Path + ": " + text
		}
		all = append(all, text)
	}
	return strings.Join(all, "\n")
}
