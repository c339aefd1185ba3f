package script

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// put writes programs beside each other, as on a host.
func put(t *testing.T, all ...Script) string {
	t.Helper()
	dir := t.TempDir()
	for _, s := range all {
		write(t, s.In(dir), *s.File().Content, 0o755)
	}
	return dir
}

func write(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// run returns the status of a program with nothing else in its environment.
func run(t *testing.T, env []string, argv ...string) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Env = append([]string{"PATH=/usr/bin:/bin"}, env...)
	// Nobody waits for what goes on behind it, as nobody would who read its output.
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

// Only one name comes in, and only while the files are there that it was judged by.
func TestTheSameName(t *testing.T) {
	dir := put(t, SameName, Stands)
	there := write(t, filepath.Join(dir, "service"), "", 0o644)
	gone := filepath.Join(dir, "lost")
	for _, c := range []struct {
		common, user string
		files        []string
		same, stands bool
	}{
		{"alice", "alice", []string{there}, true, true},
		{"alice", "alice", nil, true, true},
		{"alice", "bob", []string{there}, false, true},
		{"alice", "Alice", nil, false, true},
		{"", "", nil, false, true},
		{"a b", "a", nil, false, true},
		{"$(touch x)", "$(touch x)", nil, true, true},
		{"= alice -o alice", "x", nil, false, true},
		{"alice", "alice", []string{there, gone}, false, false},
	} {
		env := []string{"common_name=" + c.common, "username=" + c.user}
		if same := run(t, env, append([]string{SameName.In(dir)}, c.files...)...) == 0; same != c.same {
			t.Errorf("%q as %q with %q: %v", c.common, c.user, c.files, same)
		}
		if stands := run(t, env, append([]string{Stands.In(dir)}, c.files...)...) == 0; stands != c.stands {
			t.Errorf("%q: stands %v", c.files, stands)
		}
	}
}

// A token is good for who has had one seed of codes for as long as tokens are; a code is
// good in any case.
func TestTokensGoWithTheSeed(t *testing.T) {
	dir := put(t, Codes, SameNameCodes)
	at := func(ago int64) string { return strconv.FormatInt(time.Now().Unix()-ago, 10) }
	list := write(t, filepath.Join(dir, "codes-since"), "first 0\nold "+at(3700)+"\nnew "+at(10)+"\nahead "+at(-99)+"\nlost -\ntwice 0\ntwice 0\nme.o 0\nmexo "+at(10)+"\nempty\n", 0o644)
	comes := func(state, user string) bool {
		env := []string{"common_name=" + user, "username=" + user, "session_state=" + state}
		same := run(t, env, SameNameCodes.In(dir), "3600") == 0
		if codes := run(t, env, Codes.In(dir), "3600") == 0; codes != same {
			t.Errorf("%s of %q: %v with codes and %v with a name besides", state, user, codes, same)
		}
		return same
	}
	for user, good := range map[string]bool{
		"first": true, "old": true, "me.o": true, "new": false, "ahead": false, "lost": false, "twice": false,
		"mexo": false, "empty": false, "nobody": false, "rst": false, "first 0": false, "-e": false,
	} {
		for _, state := range []string{"Authenticated", "Expired", ""} {
			if got := comes(state, user); got != good {
				t.Errorf("%q comes in by a token that is %q: %v", user, state, got)
			}
		}
		if !comes("Initial", user) {
			t.Errorf("%q does not come in by a code", user)
		}
	}
	if err := os.Remove(list); err != nil {
		t.Fatal(err)
	}
	if comes("Authenticated", "first") {
		t.Error("without a list a token is good")
	}
	if run(t, []string{"common_name=a", "username=b", "session_state=Initial"}, SameNameCodes.In(dir), "3600") == 0 || run(t, []string{"common_name=first", "username=first", "session_state=Initial"}, SameNameCodes.In(dir), "3600", filepath.Join(dir, "lost")) == 0 {
		t.Error("another name comes in, or with PAM's service lost")
	}
}

// The command is asked with its arguments and the password, after OpenVPN has gone on
// and removed the file, and what it says is what OpenVPN reads.
func TestAPasswordIsCheckedMeanwhile(t *testing.T) {
	dir := put(t, CheckPassword)
	judge := write(t, filepath.Join(dir, "judge"), `#!/bin/sh
while [ -e "$0.wait" ]; do sleep 0.01; done
[ "$1 $2" = "two words" ] && [ $# = 3 ] && [ "$(cat "$3")" = "alice
wonder land" ]
`, 0o755)
	for password, says := range map[string]string{"wonder land": "1", "guess": "0"} {
		wait := write(t, judge+".wait", "", 0o600)
		file := write(t, filepath.Join(dir, "up"), "alice\n"+password+"\n", 0o600)
		verdict := write(t, filepath.Join(dir, "verdict"), "", 0o600)
		if got := run(t, []string{"auth_control_file=" + verdict}, CheckPassword.In(dir), judge, "two", "words", file); got != 2 {
			t.Fatalf("status %d is not one of a deferred answer", got)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if data, _ := os.ReadFile(verdict); len(data) > 0 {
			t.Errorf("it says %q before the command does", data)
		}
		if err := os.Remove(wait); err != nil {
			t.Fatal(err)
		}
		var got string
		for end := time.Now().Add(time.Minute); got == "" && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			data, err := os.ReadFile(verdict)
			if err != nil {
				t.Fatal(err)
			}
			got = string(data)
		}
		if got != says {
			t.Errorf("%s: %q", password, got)
		}
	}
	// OpenVPN before 2.6 has no such file and waits for the answer.
	for password, status := range map[string]int{"wonder land": 0, "guess": 1} {
		file := write(t, filepath.Join(dir, "up"), "alice\n"+password+"\n", 0o600)
		if got := run(t, nil, CheckPassword.In(dir), judge, "two", "words", file); got != status {
			t.Errorf("%s: status %d", password, got)
		}
	}
	if got := run(t, nil, CheckPassword.In(dir), judge, filepath.Join(dir, "gone")); got == 0 || got == 2 {
		t.Errorf("without a password: status %d", got)
	}
}

// Only a key of the list comes in, and none where there is no list.
func TestOnlyAKnownKey(t *testing.T) {
	dir := put(t, KnownKey)
	list := write(t, filepath.Join(dir, "known-keys"), "# a comment\n0:"+strings.Repeat("ab", 16)+" client-alice\n1:00000000 client-bob\n", 0o644)
	metadata := func(raw string) string { return write(t, filepath.Join(dir, "metadata"), raw, 0o600) }
	known := func(kind, raw string) bool {
		return run(t, []string{"metadata_type=" + kind, "metadata_file=" + metadata(raw)}, KnownKey.In(dir)) == 0
	}
	alice := strings.Repeat("\xab", 16)
	for _, c := range []struct {
		kind, raw string
		known     bool
	}{
		{"0", alice, true},
		{"1", "\x00\x00\x00\x00", true},
		{"1", alice, false},
		{"0", alice + "\xab", false},
		{"0", alice[1:], false},
		{"0", "", false},
		{".*", alice, false},
		{"", "", false},
		{"0", strings.Repeat("\xab", 15) + "\n", false},
		{"0", strings.Repeat("\xcd", 700), false},
	} {
		if got := known(c.kind, c.raw); got != c.known {
			t.Errorf("type %q, %q: %v", c.kind, c.raw, got)
		}
	}
	if err := os.Remove(list); err != nil {
		t.Fatal(err)
	}
	if known("0", alice) {
		t.Error("without a list a key is known")
	}
	if run(t, []string{"metadata_type=0", "metadata_file=" + filepath.Join(dir, "gone")}, KnownKey.In(dir)) == 0 {
		t.Error("nothing is known")
	}
}
