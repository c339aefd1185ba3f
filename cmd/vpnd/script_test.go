package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"vpnd/internal/cli"
	"vpnd/internal/nettest"
)

// The test binary is vpnd itself where a script calls it so; exits runs a
// command that has to end with a certain status.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"vpnd":  func() { os.Exit(cli.Main()) },
		"exits": func() { os.Exit(exits(os.Args[1:])) },
	})
}

func exits(args []string) int {
	want, err := strconv.Atoi(args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, "exits STATUS COMMAND...")
		return 2
	}
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		fmt.Fprintf(os.Stderr, "exit status %d instead of %d\n", got, want)
		return 1
	}
	return 0
}

// TestScripts runs each file of testdata: a page of prose with the commands that
// it speaks of. What they converge is a root file system of their own, so none
// of them needs root or touches this machine.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		UpdateScripts:      os.Getenv("UPDATE") != "",
		RequireUniqueNames: true,
		Condition: func(name string) (bool, error) {
			if name != "root" {
				return false, fmt.Errorf("there is no condition %q", name)
			}
			root := os.Geteuid() == 0
			if !root && nettest.CI() {
				return false, errors.New("it needs root, and where CI is true no script is left out")
			}
			return root, nil
		},
	})
}
