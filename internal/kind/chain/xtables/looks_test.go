package xtables

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/nettest"
)

func TestMain(m *testing.M) { nettest.Main(m) }

func TestLookIsRememberedUntilARuleChanges(t *testing.T) {
	for _, backend := range []string{kernel.NFT, kernel.Legacy} {
		for _, family := range []string{"ip", "ip6"} {
			t.Run(backend+"/"+family, func(t *testing.T) {
				nettest.Fresh(t)
				remembers(t, family, backend)
			})
		}
	}
}

func remembers(t *testing.T, family, backend string) {
	tool, err := Find(t.Context(), family, backend, 0)
	if err != nil {
		t.Fatal(err)
	}
	program := func(path, args string) string {
		t.Helper()
		out, err := exec.Command(path, strings.Fields(args)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v: %s", path, args, err, out)
		}
		return string(out)
	}
	save := func() string { // without the comments, which hold the time
		var kept strings.Builder
		for line := range strings.Lines(program(tool.Save, "")) {
			if !strings.HasPrefix(line, "#") {
				kept.WriteString(line)
			}
		}
		return kept.String()
	}
	var looks Looks
	look := func() (printed string, read bool) {
		t.Helper()
		printed, err := looks.save(t.Context(), tool, func() (string, error) { read = true; return save(), nil })
		if err != nil {
			t.Fatal(err)
		}
		return printed, read
	}
	look()
	if _, read := look(); read {
		t.Error("read again, and nothing has changed")
	}
	for _, change := range []string{"-A INPUT -p tcp -j DROP", "-P FORWARD DROP", "-N OTHERS", "-R INPUT 1 -p udp -j DROP", "-t nat -A POSTROUTING -j RETURN", "-F INPUT", "-X OTHERS"} {
		program(tool.path, change)
		printed, read := look()
		if !read || printed != save() {
			t.Errorf("%s was not seen", change)
		}
		if again, read := look(); read || again != printed {
			t.Errorf("after %s it was read twice", change)
		}
	}
	// What could not be read is read again.
	program(tool.path, "-A INPUT -j DROP")
	if _, err := looks.save(t.Context(), tool, func() (string, error) { return "", errors.New("no") }); err == nil {
		t.Error("an error was lost")
	}
	if printed, read := look(); !read || !strings.Contains(printed, "-A INPUT -j DROP") {
		t.Error("after an error it was not read")
	}
}
