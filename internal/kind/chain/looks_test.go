package chain

import (
	"errors"
	"strings"
	"testing"
)

func TestLookIsRememberedUntilARuleChanges(t *testing.T) {
	everywhere(t, func(r room) {
		tool, err := r.find(r.Context(), r.family)
		if err != nil {
			r.Fatal(err)
		}
		var looks Looks
		look := func() (printed string, read bool) {
			r.Helper()
			printed, err := looks.save(r.Context(), tool, func() (string, error) { read = true; return r.save(), nil })
			if err != nil {
				r.Fatal(err)
			}
			return printed, read
		}
		look()
		if _, read := look(); read {
			r.Error("read again, and nothing has changed")
		}
		for _, change := range []string{"-A INPUT -p tcp -j DROP", "-P FORWARD DROP", "-N OTHERS", "-R INPUT 1 -p udp -j DROP", "-t nat -A POSTROUTING -j RETURN", "-F INPUT", "-X OTHERS"} {
			r.iptables(change)
			printed, read := look()
			if !read || printed != r.save() {
				r.Errorf("%s was not seen", change)
			}
			if again, read := look(); read || again != printed {
				r.Errorf("after %s it was read twice", change)
			}
		}
		// What could not be read is read again.
		r.iptables("-A INPUT -j DROP")
		if _, err := looks.save(r.Context(), tool, func() (string, error) { return "", errors.New("no") }); err == nil {
			r.Error("an error was lost")
		}
		if printed, read := look(); !read || !strings.Contains(printed, "-A INPUT -j DROP") {
			r.Error("after an error it was not read")
		}
	})
}
