// Kernel runs, in a machine with Debian's own kernel, every test that needs one:
// those whose names begin with TestDebianKernel. A test that did not run, or skipped, is a
// failure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"vpnd/internal/lab/machine"
)

func main() {
	vpnd := flag.String("vpnd", "bin/vpnd", "the binary to test")
	word := flag.String("run", "", "run only tests whose names contain this")
	timeout := flag.Duration("timeout", 20*time.Minute, "give up after this long")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	start := time.Now()
	if err := run(ctx, *vpnd, *word); err != nil {
		fmt.Printf("kernel: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("kernel: done in %d seconds\n", int(time.Since(start).Seconds()))
}

func run(ctx context.Context, vpnd, word string) error {
	suites, err := find("internal")
	if err != nil {
		return err
	}
	if suites = narrow(suites, word); len(suites) == 0 {
		return errors.New("there are no such tests")
	}
	if os.Geteuid() != 0 {
		return leaveOut(suites)
	}
	dir, err := os.MkdirTemp("", "vpnd-kernel-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	files, err := gather(ctx, suites, vpnd, dir)
	if err != nil {
		return err
	}
	fmt.Println("kernel: booting a machine with Debian's own kernel")
	r := &results{out: os.Stdout, of: map[string]string{}}
	status, err := machine.Run(ctx, machine.Options{
		Packages: machine.Packages, Files: files, Script: script(suites), Output: r, Progress: os.Stdout,
	})
	if err != nil {
		return err
	}
	if wrong := r.wrong(suites); len(wrong) > 0 || status != 0 {
		return fmt.Errorf("NOT good (status %d):\n%s", status, strings.Join(wrong, "\n"))
	}
	return nil
}

// leaveOut tells what does not run without root. Where a run counts it is an error.
func leaveOut(suites []suite) error {
	fmt.Println("kernel: without root no machine is made, and these tests are left out:")
	for _, s := range suites {
		fmt.Printf("  %s: %s\n", s.dir, strings.Join(s.tests, ", "))
	}
	if os.Getenv("CI") == "true" {
		return errors.New("in CI they must run, as root")
	}
	return nil
}

// gather builds the tests and says what the machine is given, by its place there:
// the tree as its tests see it, without sources.
func gather(ctx context.Context, suites []suite, vpnd, dir string) (map[string]string, error) {
	files := map[string]string{"bin/vpnd": vpnd, "examples": "examples", "packaging": "packaging"}
	for _, s := range suites {
		binary := filepath.Join(dir, strings.ReplaceAll(s.dir, "/", "-"))
		cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, "./"+s.dir)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building the tests of %s: %w\n%s", s.dir, err, out)
		}
		files[s.dir+"/tests"] = binary
		data := filepath.Join(s.dir, "testdata")
		if _, err := os.Stat(data); err == nil {
			files[data] = data
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return files, nil
}

// script runs the suites one after the other, all of them.
func script(suites []suite) string {
	var b strings.Builder
	fmt.Fprintln(&b, "export CI=true\nfailed=0")
	for _, s := range suites {
		fmt.Fprintf(&b, "echo '%s%s'\ncd /job/%s\n./tests -test.v -test.run '^(%s)$' || failed=1\n",
			begins, s.dir, s.dir, strings.Join(s.tests, "|"))
	}
	fmt.Fprintln(&b, "exit $failed")
	return b.String()
}
