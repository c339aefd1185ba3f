// Package xtables runs the programs of iptables: it finds those of a family that
// write to one backend, reads all rules with iptables-save, writes a transaction
// with iptables-restore, and says in words of its own what they refuse.
//
// [Looks] remembers what was read last, and [Writers] which programs vpnd has
// started, so that a watcher knows its own work.
package xtables

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

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/ruleset"
	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/resource"
)

// A Tool is the iptables of one family: its programs, all of one backend.
type Tool struct {
	Family  string
	Backend string // nft or legacy
	Restore string // the path of iptables-restore
	Save    string // that of iptables-save
	path    string // that of iptables
	wait    int    // for the lock, in seconds
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

// Missing says whether an error is that there is no iptables.
func Missing(err error) bool {
	var m *missingError
	return errors.As(err, &m)
}

// Find finds the iptables of a family; an empty backend is the one that the
// host's iptables command is linked to. The lock of xtables is waited for as long
// as said, in whole seconds; 0 means five of them.
func Find(ctx context.Context, family, backend string, lockWait time.Duration) (*Tool, error) {
	base := syntax.Command[family]
	if backend != "" {
		base += "-" + backend
	}
	path, err := exec.LookPath(base)
	if err != nil {
		return nil, &missingError{base}
	}
	t := &Tool{Family: family, path: path, wait: 5}
	if lockWait > 0 {
		t.wait = int(math.Ceil(lockWait.Seconds()))
	}
	if t.Backend, err = backendOf(ctx, path); err != nil {
		return nil, err
	}
	if t.Restore, err = t.sibling(ctx, "restore"); err != nil {
		return nil, err
	}
	t.Save, err = t.sibling(ctx, "save")
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
		return kernel.NFT, nil
	case filepath.Base(file) == "xtables-legacy-multi":
		return kernel.Legacy, nil
	}
	out, err := Run(ctx, exec.Command(path, "--version"))
	if err != nil {
		return "", fmt.Errorf("asking %s for its backend: %w", path, err)
	}
	if strings.Contains(out, "(nf_tables)") {
		return kernel.NFT, nil
	}
	return kernel.Legacy, nil
}

// sibling finds the save or restore that goes with the iptables at path. The
// names that say their backend come first; a name that doesn't is asked, since
// the three can be linked apart.
func (t *Tool) sibling(ctx context.Context, verb string) (string, error) {
	base := syntax.Command[t.Family]
	for _, name := range []string{base + "-" + t.Backend + "-" + verb, base + "-" + verb} {
		for _, candidate := range []string{filepath.Join(filepath.Dir(t.path), name), name} {
			found, err := exec.LookPath(candidate)
			if err != nil {
				continue
			}
			if strings.Contains(name, t.Backend) {
				return found, nil
			}
			if backend, err := backendOf(ctx, found); err == nil && backend == t.Backend {
				return found, nil
			}
		}
	}
	return "", fmt.Errorf("%s writes to the %s backend, and there is no %s-%s that does; repair the alternatives of iptables", t.path, t.Backend, base, verb)
}

// Saved is what iptables-save prints of all rules of the family.
func (t *Tool) Saved(ctx context.Context, looks *Looks) (string, error) {
	return looks.save(ctx, t, func() (string, error) { return Run(ctx, exec.Command(t.Save)) })
}

// Dump reads all rules of the family. It makes no table: iptables-save without
// -t reads only those that are there. Where it stops at a rule that it doesn't
// know, each table is read by itself, so that one rule hides no more than the
// table that it stands in.
func (t *Tool) Dump(ctx context.Context, looks *Looks) (ruleset.Dump, error) {
	text, err := t.Saved(ctx, looks)
	if Refused(err) && !strings.Contains(err.Error(), "ermission denied") {
		return t.dumpEach(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the rules: %w", err)
	}
	return ruleset.ParseDump(text), nil
}

func (t *Tool) dumpEach(ctx context.Context) (ruleset.Dump, error) {
	whole := make(ruleset.Dump)
	for _, name := range t.tables() {
		text, err := Run(ctx, exec.Command(t.Save, "-t", name))
		switch {
		case Refused(err):
			whole.Table(name).Err = t.unreadable(name, err)
		case err != nil:
			return nil, fmt.Errorf("reading table %s: %w", name, err)
		default:
			whole[name] = ruleset.ParseDump(text).Table(name)
		}
	}
	return whole, nil
}

// tables lists those that can be read without making them.
func (t *Tool) tables() []string {
	if t.Backend == kernel.NFT {
		return syntax.Tables
	}
	there := kernel.LegacyTables(t.Family)
	return slices.DeleteFunc(slices.Clone(syntax.Tables), func(name string) bool { return !slices.Contains(there, name) })
}

// unreadable says which table can't be read, and the way out.
func (t *Tool) unreadable(table string, err error) error {
	show := "see the last rule that " + filepath.Base(t.Save) + " -t " + table + " prints"
	if t.Backend == kernel.NFT {
		show = fmt.Sprintf("look for it with nft list table %s %s", t.Family, table)
	}
	return fmt.Errorf("table %s of %s can't be read: %s stops at a rule (%w); %s, then install the extension that it needs, or remove it", table, t.Family, filepath.Base(t.Save), err, show)
}

// Restoration returns the command that writes input, in one transaction a
// table.
func (t *Tool) Restoration(input string) *exec.Cmd {
	cmd := exec.Command(t.Restore, "--noflush", "-w", strconv.Itoa(t.wait))
	cmd.Stdin = strings.NewReader(input)
	return cmd
}

// A refusal is what a program of iptables said no with.
type refusal struct {
	status int
	text   string
}

// KernelRefusal begins the text of a refusal for which iptables has no words
// of its own.
const KernelRefusal = "the kernel refuses it"

// Refused says whether an error is what a program of iptables said no with.
func Refused(err error) bool {
	var r *refusal
	return errors.As(err, &r)
}

func (r *refusal) Error() string {
	reason := kernelReason.FindStringSubmatch(r.text)
	switch {
	case strings.Contains(r.text, "xtables lock"):
		return "another program holds the lock of xtables, and nothing tells which; try again"
	case reason != nil:
		return KernelRefusal + " (" + reason[1] + ")"
	case r.text == "":
		return fmt.Sprintf("%s (exit status %d)", KernelRefusal, r.status)
	default:
		return r.text
	}
}

// kernelReason finds the errno in "line 4: RULE_APPEND failed (Invalid
// argument): rule in chain VPND-X".
var kernelReason = regexp.MustCompile(`[A-Z]+_[A-Z]+ failed \(([^)]*)\)`)

// Run runs a program and returns what it wrote. Where ctx ends first it is
// killed, which a restore survives whole or not at all.
func Run(ctx context.Context, cmd *exec.Cmd) (string, error) {
	return RunBy(ctx, cmd, (*exec.Cmd).Run)
}

// RunBy is run with somebody who starts the program and waits for its end.
func RunBy(ctx context.Context, cmd *exec.Cmd, do func(*exec.Cmd) error) (string, error) {
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
