package openvpn

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vpnd/internal/nettest"
)

func TestWords(t *testing.T) {
	for line, want := range map[string][]string{
		"":                                nil,
		"  # port 1":                      nil,
		"port 4444":                       {"port", "4444"},
		`setenv "opt" port 4444`:          {"setenv", "opt", "port", "4444"},
		`\ port`:                          {"port"},
		`a"b c"d`:                         {`a"b`, `c"d`},
		`"a"b`:                            {"a", "b"},
		`'a\b' "c\"d" e\ f \"g`:           {`a\b`, `c"d`, "e f", `"g`},
		`a #b`:                            {"a"},
		`a#b "#c" d ;`:                    {"a#b", "#c", "d"},
		`push ""`:                         {"push", ""},
		"\ta\vb\r":                        {"a", "b"},
		"a\u00a0b":                        {"a\u00a0b"},
		strings.Repeat("a ", 16):          slices.Repeat([]string{"a"}, 16),
		"#" + strings.Repeat("x", 253):    nil,
		"a # " + strings.Repeat("x ", 20): {"a"},
	} {
		if got, err := Words(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q %v", line, got, err)
		}
	}
	for line, want := range map[string]string{
		`setenv opt #port 1`:           "nothing stands behind",
		`a "b`:                         "does not end",
		`a 'b"`:                        "does not end",
		`a\`:                           "backslash",
		`a \n`:                         "a backslash stands before 'n'",
		"a\nport 1":                    "more than one line",
		strings.Repeat("a ", 17):       "17 words",
		"#" + strings.Repeat("x", 254): "255 bytes",
	} {
		if got, err := Directive(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q %v", line, got, err)
		}
	}
}

func TestDirective(t *testing.T) {
	for _, line := range []string{`setenv "opt" port 4444`, `'setenv' opt setenv opt "port" 4444`, `set\ env opt port 4444`} {
		got, err := Directive(line)
		if want := []string{"port", "4444"}; err != nil || slices.Equal(got, want) == strings.HasPrefix(line, `set\`) {
			t.Errorf("%s: %q %v", line, got, err)
		}
	}
}

// unknown is how OpenVPN names a directive that it does not know.
var unknown = regexp.MustCompile(`(?s)missing or extra parameter\(s\) in [^ ]*:1: (.*?) \(2\.`)

// OpenVPN itself reads random lines as Words does.
func TestOpenVPNReadsTheSameWords(t *testing.T) {
	if _, err := exec.LookPath("openvpn"); err != nil {
		nettest.LeaveOut(t, "OpenVPN is not installed")
	}
	random := rand.New(rand.NewPCG(1, 2))
	path := filepath.Join(t.TempDir(), "a")
	told := map[bool]int{}
	for range 300 {
		line := gibberish(random)
		if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		words, err := Directive(line)
		out, _ := exec.Command("openvpn", "--config", path, "--version").CombinedOutput()
		m := unknown.FindSubmatch(out)
		told[m != nil]++
		switch {
		case m != nil && string(m[1]) == "setenv opt" && err != nil || strings.HasSuffix(line, `\`) && err != nil: // refused by both, and by us
		case m != nil && (err != nil || len(words) == 0 || words[0] != string(m[1])):
			t.Errorf("%q: OpenVPN reads the directive %q, and Words %q %v", line, m[1], words, err)
		case m == nil && err == nil && len(words) > 0 && words[0] != "":
			t.Errorf("%q: OpenVPN says %.200q, and Words %q", line, out, words)
		}
	}
	if told[true] < 50 || told[false] < 50 {
		t.Errorf("the lines are too much alike: %v", told)
	}
}

// gibberish is a line of what the lexer treats apart, sometimes behind setenv opt.
func gibberish(r *rand.Rand) string {
	parts := []string{"q", "zz", " ", " ", "\t", `"`, `"`, "'", "'", `\`, `\`, `\\`, "#", ";", "\v"}
	line := []string{"", "", "setenv opt ", `"setenv" 'opt' `}[r.IntN(4)]
	for range 1 + r.IntN(8) {
		line += parts[r.IntN(len(parts))]
	}
	return line
}
