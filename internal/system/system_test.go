package system

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/office"
)

// vpnd is the binary under test, as people get it.
var vpnd string

// chosen is where a test begins that draws. It is the same in every run, so that
// a test tells of the change before it and not of chance.
var chosen = flag.Uint64("seed", 1, "where draws begin; 0 means somewhere new")

// seed is the chosen one, or a new one, and is told.
func seed(t *testing.T) uint64 {
	t.Helper()
	n := cmp.Or(*chosen, uint64(time.Now().UnixNano()))
	t.Logf("seed %d", n)
	return n
}

func TestMain(m *testing.M) {
	if os.Getenv(trapped) != "" {
		fmt.Fprintln(os.Stderr, trap(os.Args[1:]))
		os.Exit(1)
	}
	flag.Parse()
	if err := sideBySide(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(build(m))
}

// sideBySide has three tests a processor run at a time, unless the command line says how
// many. Most of the time a test waits: for a deadline, a session, a host that is silent.
// By itself none takes more than a third of a processor. How many hosts that may be is
// for the lab to bound, see [lab.Options].
func sideBySide() error {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if given {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0)))
}

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "vpnd-system-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	vpnd = filepath.Join(dir, "vpnd")
	cmd := exec.Command("go", "build", "-trimpath", "-o", vpnd, "vpnd/cmd/vpnd") // as make does, which finds it compiled
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building vpnd: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// A scene is the office, or its gateway alone, in a test that each of its
// methods fails where something is not as it shall be.
type scene struct {
	*office.Office
	t *testing.T
}

// alone is a fresh gateway without neighbours, with these packages besides.
func alone(t *testing.T, packages ...string) scene {
	t.Helper()
	o, err := office.Alone(t.Context(), labtest.For(t, 1, lab.Bookworm, packages...), vpnd)
	if err != nil {
		t.Fatal(err)
	}
	return scene{o, t}
}

// in is the same scene in a subtest.
func (s scene) in(t *testing.T) scene { return scene{s.Office, t} }

// ok ends the test where a step of the scene failed.
func (s scene) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// run runs a command on the gateway.
func (s scene) run(argv ...string) string {
	s.t.Helper()
	return labtest.Run(s.t, s.Gateway, argv...)
}

// sh runs a script on the gateway and returns what it wrote, trimmed.
func (s scene) sh(script string) string {
	s.t.Helper()
	return strings.TrimSpace(s.run("sh", "-c", script))
}

// vpnd runs vpnd on the gateway, wants its exit status, and returns all that it
// wrote.
func (s scene) vpnd(want int, args ...string) string {
	s.t.Helper()
	out, status, err := s.VPND(s.t.Context(), args...)
	if err != nil || status != want {
		s.t.Fatalf("vpnd %s ended with status %d instead of %d (%v):\n%s", strings.Join(args, " "), status, want, err, out)
	}
	return out
}

// configure makes text the whole configuration.
func (s scene) configure(text string) {
	s.t.Helper()
	s.ok(s.Write(s.t.Context(), map[string]string{"vpn.hcl": text}))
}

// apply applies the configuration; afterwards there is nothing left to do.
func (s scene) apply() string {
	s.t.Helper()
	out := s.vpnd(0, "apply", "--yes")
	s.converged()
	return out
}

// converged wants an empty plan.
func (s scene) converged() {
	s.t.Helper()
	out, status, err := s.VPND(s.t.Context(), "plan", "--detailed-exitcode")
	if err != nil || status != 0 {
		s.t.Fatalf("the plan after an apply is not empty (status %d, %v):\n%s", status, err, out)
	}
}

// print is the gateway as it is.
func (s scene) print() string {
	s.t.Helper()
	text, err := s.Print(s.t.Context())
	s.ok(err)
	return text
}

// as wants the gateway to be as it was.
func (s scene) as(was, after string) {
	s.t.Helper()
	if is := s.print(); is != was {
		s.t.Fatalf("after %s the host is not as it was:\n%s", after, office.Diff(was, is))
	}
}

// names wants a text to hold all these words, be it on one line or wrapped.
func (s scene) names(text string, words ...string) {
	s.t.Helper()
	unwrapped := strings.Join(strings.Fields(text), " ")
	for _, word := range words {
		if !strings.Contains(text, word) && !strings.Contains(unwrapped, word) {
			s.t.Errorf("%q is not named in:\n%s", word, text)
		}
	}
}

// lacks wants a text to hold none of these words.
func (s scene) lacks(text string, words ...string) {
	s.t.Helper()
	for _, word := range words {
		if strings.Contains(text, word) {
			s.t.Errorf("%q stands in:\n%s", word, text)
		}
	}
}
