package chain

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

func TestProofIsRemembered(t *testing.T) {
	everywhere(t, func(r room) {
		r.Cache = filepath.Join(r.TempDir(), "cache")
		file := filepath.Join(r.Cache, "rules-"+r.family+"-"+r.Backend)
		name := r.name("filter/VPND-X")
		prove := func(rules ...string) string {
			r.Helper()
			normal, err := r.Normalize(context.Background(), map[string]*Chain{name: wishFor("INPUT", "", rules...)})
			if err != nil {
				r.Fatal(err)
			}
			return strings.Join(normal[name].Rules, "; ")
		}
		if got := prove("-p 6 -j DROP"); got != "-p tcp -j DROP" {
			r.Fatalf("proved %q", got)
		}
		for path, want := range map[string]os.FileMode{r.Cache: 0o700, file: 0o600} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				r.Errorf("%s: %v, %v; want mode %o", path, info, err, want)
			}
		}
		data, err := os.ReadFile(file)
		if err != nil {
			r.Fatal(err)
		}
		// An answer of another name shows that it is the remembered one.
		head, text, _ := strings.Cut(string(data), "\n")
		odd := strings.ReplaceAll(text, "<-p tcp", "<-p udp")
		if err := os.WriteFile(file, []byte(strings.Replace(head, sealOf(text), sealOf(odd), 1)+"\n"+odd), 0o600); err != nil {
			r.Fatal(err)
		}
		for _, asked := range []string{"-p 6 -j DROP", "-p udp -j DROP"} { // the latter is how it was answered
			if got := prove(asked); got != "-p udp -j DROP" {
				r.Errorf("%s is not remembered: %q", asked, got)
			}
		}
		if got := prove("-p 17 -j ACCEPT"); got != "-p udp -j ACCEPT" {
			r.Errorf("another rule: %q", got)
		}
		for range 2 {
			if got := prove("-p 6 -j DROP", "-p 6 -j DROP"); got != "-p tcp -j DROP; -p tcp -j DROP" {
				r.Errorf("a rule that a chain has twice is remembered as %q", got)
			}
		}
		// Of several rules only what changed is proved again.
		prove("-p 6 -j DROP")
		if data, err = os.ReadFile(file); err != nil {
			r.Fatal(err)
		}
		head, text, _ = strings.Cut(string(data), "\n")
		odd = strings.ReplaceAll(text, "<-p tcp", "<-p udp")
		if err := os.WriteFile(file, []byte(strings.Replace(head, sealOf(text), sealOf(odd), 1)+"\n"+odd), 0o600); err != nil {
			r.Fatal(err)
		}
		if got := prove("-p 6 -j RETURN", "-p 6 -j DROP"); got != "-p tcp -j RETURN; -p udp -j DROP" {
			r.Errorf("beside another rule: %q", got)
		}
		// Where other chains lead elsewhere, all is.
		more := map[string]*Chain{name: wishFor("OUTPUT", "", "-p 6 -j DROP")}
		if normal, err := r.Normalize(context.Background(), more); err != nil || normal[name].Rules[0] != "-p tcp -j DROP" {
			r.Errorf("in another hook: %v, %v", normal, err)
		}
		// What was cut short or written over is not believed.
		for _, damaged := range []string{"", "x", string(data[:len(data)-1]), strings.Replace(string(data), "<-p tcp -j DROP", "<-p tcp -j RETURN", 1)} {
			if err := os.WriteFile(file, []byte(damaged), 0o600); err != nil {
				r.Fatal(err)
			}
			if got := prove("-p 6 -j DROP"); got != "-p tcp -j DROP" {
				r.Errorf("believed %q: %q", damaged, got)
			}
		}
	})
}

// sealOf is the first line of what is remembered.
func sealOf(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

func TestRefusalIsNotRemembered(t *testing.T) {
	everywhere(t, func(r room) {
		r.Cache = r.TempDir()
		wants := map[string]*Chain{r.name("filter/VPND-X"): wishFor("INPUT", "", "-j OTHERS")}
		if _, err := r.Normalize(context.Background(), wants); err == nil {
			r.Fatal("a jump to nowhere was accepted")
		}
		r.iptables("-N OTHERS")
		if _, err := r.Normalize(context.Background(), wants); err != nil {
			r.Errorf("now it is there: %v", err)
		}
	})
}

func TestHostsOwnBackend(t *testing.T) {
	everywhere(t, func(r room) {
		// The host's iptables is a link to that of a backend, save and restore
		// are not: they must be found all the same.
		directory := r.TempDir()
		for _, name := range []string{"iptables", "ip6tables"} {
			if err := os.Symlink("/usr/sbin/"+name+"-"+r.Backend, filepath.Join(directory, name)); err != nil {
				r.Fatal(err)
			}
		}
		r.Setenv("PATH", directory+":"+os.Getenv("PATH"))
		name := r.name("filter/VPND-X")
		host := room{T: r.T, family: r.family}
		host.converge(map[string]*Chain{name: wishFor("INPUT", "", "-p 6 -j DROP")})
		if got := r.chain("filter", "VPND-X"); got != "-N VPND-X\n-A VPND-X -p tcp -j DROP\n" {
			r.Errorf("the backend %s has %s", r.Backend, got)
		}
		r.Setenv("PATH", directory)
		_, err := resourcetest.Observe(context.Background(), host, name)
		want := filepath.Join(directory, syntax.Command[r.family]) + " writes to the " + r.Backend + " backend, and there is no " + syntax.Command[r.family] + "-restore that does; repair the alternatives of iptables"
		if err == nil || err.Error() != want {
			r.Errorf("got  %v\nwant %s", err, want)
		}
		r.Setenv("PATH", "/nowhere")
		if got, err := resourcetest.Observe(context.Background(), host, name); got != nil || !errors.Is(err, resource.ErrNoTool) {
			r.Errorf("without iptables nobody can tell whether the chain stands, but %v, %v", got, err)
		}
		if err := resourcetest.Remove(context.Background(), host, name); !errors.Is(err, resource.ErrNoTool) {
			r.Errorf("without iptables nothing was removed, but %v", err)
		}
		wishes := map[string]*Chain{name: {Rules: []string{"-p 6 -j DROP"}}}
		if normal, err := host.Normalize(context.Background(), wishes); err != nil || normal[name].Rules[0] != "-p 6 -j DROP" {
			r.Errorf("without iptables a wish is taken at its word, but %v, %v", normal, err)
		}
		err = resourcetest.Apply(context.Background(), host, name, nil, Chain{Rules: []string{"-p 6 -j DROP"}})
		if want := syntax.Command[r.family] + " is not installed, or not in the PATH of vpnd; install the package iptables"; err == nil || err.Error() != want {
			r.Errorf("got  %v\nwant %s", err, want)
		}
	})
}
