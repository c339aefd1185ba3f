package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"vpnd/internal/resource"
)

// The two ways into the kernel. Neither sees the rules of the other.
const (
	nft    = "nft"
	legacy = "legacy"
)

// command is the iptables of each family.
var command = map[string]string{"ip": "iptables", "ip6": "ip6tables"}

// A tool is the iptables of one family: its programs, all of one backend.
type tool struct {
	family  string
	backend string // nft or legacy
	path    string
	restore string
	save    string
	wait    int // for the lock, in seconds
}

// patience is LockWait in seconds.
func (v Verbs) patience() int {
	if v.LockWait <= 0 {
		return 5
	}
	return int(math.Ceil(v.LockWait.Seconds()))
}

// A missingError says that there is no iptables. Its rules are in the kernel all
// the same: nobody can tell which stand, nor prove others before a package block
// has installed it.
type missingError struct{ command string }

// Unwrap says what kind of hindrance it is.
func (e *missingError) Unwrap() error { return resource.ErrNoTool }

// Error names the command and the way out.
func (e *missingError) Error() string {
	return e.command + " is not installed, or not in the PATH of vpnd; install the package iptables"
}

func missing(err error) bool {
	var m *missingError
	return errors.As(err, &m)
}

// find finds the iptables of a family; an empty backend is the one that the
// host's iptables command is linked to.
func (v Verbs) find(ctx context.Context, family string) (*tool, error) {
	base := command[family]
	if v.Backend != "" {
		base += "-" + v.Backend
	}
	path, err := exec.LookPath(base)
	if err != nil {
		return nil, &missingError{base}
	}
	t := &tool{family: family, path: path, wait: v.patience()}
	if t.backend, err = backendOf(ctx, path); err != nil {
		return nil, err
	}
	if t.restore, err = t.sibling(ctx, "restore"); err != nil {
		return nil, err
	}
	t.save, err = t.sibling(ctx, "save")
	return t, err
}

// backendOf tells which backend a program of iptables writes to. Since 1.8 all
// of a backend are one file, whose name says it and saves a process; another is
// asked. Versions before have one backend and don't say it.
func backendOf(ctx context.Context, path string) (string, error) {
	file, err := filepath.EvalSymlinks(path)
	switch {
	case err != nil:
		return "", err
	case filepath.Base(file) == "xtables-nft-multi":
		return nft, nil
	case filepath.Base(file) == "xtables-legacy-multi":
		return legacy, nil
	}
	out, err := run(ctx, exec.Command(path, "--version"))
	if err != nil {
		return "", fmt.Errorf("asking %s for its backend: %w", path, err)
	}
	if strings.Contains(out, "(nf_tables)") {
		return nft, nil
	}
	return legacy, nil
}

// sibling finds the save or restore that goes with the iptables at path. The
// names that say their backend come first; a name that doesn't is asked, since
// the three can be linked apart.
func (t *tool) sibling(ctx context.Context, verb string) (string, error) {
	base := command[t.family]
	for _, name := range []string{base + "-" + t.backend + "-" + verb, base + "-" + verb} {
		for _, candidate := range []string{filepath.Join(filepath.Dir(t.path), name), name} {
			found, err := exec.LookPath(candidate)
			if err != nil {
				continue
			}
			if strings.Contains(name, t.backend) {
				return found, nil
			}
			if backend, err := backendOf(ctx, found); err == nil && backend == t.backend {
				return found, nil
			}
		}
	}
	return "", fmt.Errorf("%s writes to the %s backend, and there is no %s-%s that does; repair the alternatives of iptables", t.path, t.backend, base, verb)
}

// dump reads all rules of the family. It makes no table: iptables-save without
// -t reads only those that are there. Where it stops at a rule that it doesn't
// know, each table is read by itself, so that one rule hides no more than the
// table that it stands in.
func (t *tool) dump(ctx context.Context, looks *Looks) (dump, error) {
	text, err := looks.save(ctx, t, func() (string, error) { return run(ctx, exec.Command(t.save)) })
	if refused(err) && !strings.Contains(err.Error(), "ermission denied") {
		return t.dumpEach(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the rules: %w", err)
	}
	return parseDump(text), nil
}

func (t *tool) dumpEach(ctx context.Context) (dump, error) {
	whole := make(dump)
	for _, name := range t.tables() {
		text, err := run(ctx, exec.Command(t.save, "-t", name))
		switch {
		case refused(err):
			whole.table(name).err = t.unreadable(name, err)
		case err != nil:
			return nil, fmt.Errorf("reading table %s: %w", name, err)
		default:
			whole[name] = parseDump(text).table(name)
		}
	}
	return whole, nil
}

// tables lists those that can be read without making them.
func (t *tool) tables() []string {
	if t.backend == nft {
		return tables
	}
	return filter(tables, func(name string) bool { return slices.Contains(legacyTables(t.family), name) })
}

// unreadable says which table can't be read, and the way out.
func (t *tool) unreadable(table string, err error) error {
	show := "see the last rule that " + filepath.Base(t.save) + " -t " + table + " prints"
	if t.backend == nft {
		show = fmt.Sprintf("look for it with nft list table %s %s", t.family, table)
	}
	return fmt.Errorf("table %s of %s can't be read: %s stops at a rule (%w); %s, then install the extension that it needs, or remove it", table, t.family, filepath.Base(t.save), err, show)
}

// restoration returns the command that writes input, in one transaction a
// table.
func (t *tool) restoration(input string) *exec.Cmd {
	cmd := exec.Command(t.restore, "--noflush", "-w", strconv.Itoa(t.wait))
	cmd.Stdin = strings.NewReader(input)
	return cmd
}

// A refusal is what a program of iptables said no with.
type refusal struct {
	status int
	text   string
}

// kernelRefusal begins the text of a refusal for which iptables has no words
// of its own.
const kernelRefusal = "the kernel refuses it"

func (r *refusal) Error() string {
	reason := kernelReason.FindStringSubmatch(r.text)
	switch {
	case strings.Contains(r.text, "xtables lock"):
		return "another program holds the lock of xtables, and nothing tells which; try again"
	case reason != nil:
		return kernelRefusal + " (" + reason[1] + ")"
	case r.text == "":
		return fmt.Sprintf("%s (exit status %d)", kernelRefusal, r.status)
	default:
		return r.text
	}
}

// kernelReason finds the errno in "line 4: RULE_APPEND failed (Invalid
// argument): rule in chain VPND-X".
var kernelReason = regexp.MustCompile(`[A-Z]+_[A-Z]+ failed \(([^)]*)\)`)

// run runs a program and returns what it wrote. Where ctx ends first it is
// killed, which a restore survives whole or not at all.
func run(ctx context.Context, cmd *exec.Cmd) (string, error) {
	return runBy(ctx, cmd, (*exec.Cmd).Run)
}

// runBy is run with somebody who starts the program and waits for its end.
func runBy(ctx context.Context, cmd *exec.Cmd, do func(*exec.Cmd) error) (string, error) {
	var out, complaint bytes.Buffer
	bound := exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)
	bound.Stdin, bound.Stdout, bound.Stderr = cmd.Stdin, &out, &complaint
	bound.Env, bound.ExtraFiles = append(append(os.Environ(), "LC_ALL=C"), cmd.Env...), cmd.ExtraFiles
	bound.WaitDelay = time.Second
	err := do(bound)
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case errors.As(err, &exit):
		return "", &refusal{status: exit.ExitCode(), text: essence(complaint.String())}
	case err != nil:
		return "", err
	}
	return out.String(), nil
}

var noise = regexp.MustCompile("^Error occurred at line|^Try `|\\):$|^ip6?tables(-nft|-legacy)?-restore: line [0-9]+ failed$")

// essence takes from what iptables complained about all that is not about the
// matter: its name, line numbers of an input that nobody sees (and which are
// wrong as often as not), and where to read on.
func essence(complaint string) string {
	var kept []string
	for line := range strings.Lines(complaint) {
		line = strings.TrimSpace(line)
		if _, rest, ok := strings.Cut(line, "): "); ok && strings.HasPrefix(line, "ip") {
			line = rest
		}
		switch {
		case noise.MatchString(line):
		case line != "":
			kept = append(kept, strings.TrimSuffix(line, "."))
		}
	}
	return strings.Join(kept, ", ")
}
