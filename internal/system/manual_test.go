package system

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	helpCommand = regexp.MustCompile(`(?m)^  ([a-z-]+) +[A-Z]`)
	helpFlag    = regexp.MustCompile(`(?m)^  (?:    |-[a-z], )--([a-z-]+)`)
)

// TestManualIsComplete looks up each command and flag that the program tells of
// in vpnd(8), and each flag of the manual in the program.
func TestManualIsComplete(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../packaging/vpnd.8")
	if err != nil {
		t.Fatal(err)
	}
	manual := string(page)
	all := help(t)
	var commands, flags []string
	for _, m := range helpCommand.FindAllStringSubmatch(all, -1) {
		commands = append(commands, m[1])
		own := help(t, m[1])
		all += own
		for _, sub := range helpCommand.FindAllStringSubmatch(own, -1) {
			if m[1] != "completion" { // whose commands tell of themselves, a shell each
				all += help(t, m[1], sub[1])
			}
		}
		if !regexp.MustCompile(`(?m)^\.(It|It Xo\n\.)\s*Cm ` + m[1] + `\b`).MatchString(manual) {
			t.Errorf("vpnd(8) does not tell of the command %s", m[1])
		}
	}
	for _, m := range helpFlag.FindAllStringSubmatch(all, -1) {
		flags = append(flags, m[1])
		if !regexp.MustCompile(`(?m)Fl -` + m[1] + `([^a-z-]|$)`).MatchString(manual) {
			t.Errorf("vpnd(8) does not tell of the flag --%s", m[1])
		}
	}
	if len(commands) < 15 || len(flags) < 15 {
		t.Fatalf("the help names only the commands %q and the flags %q", commands, flags)
	}
	for _, m := range regexp.MustCompile(`Fl -([a-z-]+)`).FindAllStringSubmatch(manual, -1) {
		if !slices.Contains(flags, m[1]) {
			t.Errorf("vpnd(8) tells of the flag --%s, which no command has", m[1])
		}
	}
}

// help is what the program says of its commands, or of one.
func help(t *testing.T, command ...string) string {
	t.Helper()
	out, err := exec.Command(vpnd, append(command, "--help")...).Output()
	if err != nil {
		t.Fatalf("vpnd %s --help: %v", strings.Join(command, " "), err)
	}
	return string(out)
}
