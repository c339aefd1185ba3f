package main

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// results reads what test binaries print with -test.v, and passes on what a person
// would read.
type results struct {
	out  io.Writer
	dir  string            // of the suite that is at work
	of   map[string]string // PASS, FAIL or SKIP, by directory and test
	rest []byte            // of a line
}

// begins is a line that the script prints before each suite.
const begins = "=== SUITE "

// outcome is a line that ends a test or a subtest (go help test, cmd/test2json).
var outcome = regexp.MustCompile(`^\s*--- (PASS|FAIL|SKIP): (\S+)`)

func (r *results) Write(p []byte) (int, error) {
	r.rest = append(r.rest, p...)
	for {
		line, rest, whole := bytes.Cut(r.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		r.rest = rest
		if err := r.line(strings.TrimRight(string(line), "\r")); err != nil {
			return 0, err
		}
	}
}

func (r *results) line(line string) error {
	if dir, ok := strings.CutPrefix(line, begins); ok {
		r.dir = dir
	} else if m := outcome.FindStringSubmatch(line); m != nil {
		r.of[r.dir+" "+m[2]] = m[1]
	} else if strings.HasPrefix(line, "=== ") { // RUN, PAUSE, CONT, NAME
		return nil
	}
	_, err := fmt.Fprintln(r.out, line)
	return err
}

// wrong names what was to run and did not pass, and what was left out: a part of a
// test that is skipped where nothing may be.
func (r *results) wrong(suites []suite) []string {
	var wrong []string
	for _, s := range suites {
		for _, name := range s.tests {
			switch r.of[s.dir+" "+name] {
			case "PASS":
			case "":
				wrong = append(wrong, s.dir+": "+name+" did not run to its end")
			case "SKIP":
				wrong = append(wrong, s.dir+": "+name+" was skipped")
			default:
				wrong = append(wrong, s.dir+": "+name+" failed")
			}
		}
	}
	for test, was := range r.of {
		dir, name, _ := strings.Cut(test, " ")
		if was == "SKIP" && strings.Contains(name, "/") {
			wrong = append(wrong, dir+": "+name+" was skipped")
		}
	}
	return wrong
}
