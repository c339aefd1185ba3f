package unit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// searched are the directories of unit files that packages and operators use, the
// strongest first; see systemd.unit(5).
var searched = []string{etc, "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// Check has systemd-analyze read the unit with its new drop-ins, in a temporary
// directory, and reports what it didn't say without them. Faults of a unit file
// that isn't ours are not for us to report. Where the file isn't there yet, or
// systemd-analyze isn't, there is nothing to ask.
func (v Verbs) Check(ctx context.Context, name string, want Unit) error {
	if v.Connect == nil || len(want.Dropins)+len(want.OtherDropins) == 0 {
		return nil
	}
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		return nil
	}
	content, err := v.unitFile(name)
	if err != nil || content == "" {
		return err
	}
	got, err := v.written(name)
	if err != nil {
		return err
	}
	none := make(map[string]string)
	for _, d := range got {
		none[d.Name] = "" // hides the one on the host
	}
	wished := make(map[string]string)
	for _, d := range want.Dropins {
		wished[d.Name] = withMark(name, *d.Content)
		none[d.Name] = ""
	}
	for name, content := range want.OtherDropins {
		if dropin := strings.TrimSuffix(path.Base(name), ".conf"); content != resource.Masked && !strings.HasPrefix(content, linkTo) {
			wished[dropin], none[dropin] = content, ""
		}
	}
	for _, d := range got {
		if _, ok := wished[d.Name]; !ok {
			wished[d.Name] = ""
		}
	}
	before, err := v.verify(ctx, name, content, none)
	if err != nil {
		return err
	}
	after, err := v.verify(ctx, name, content, wished)
	if err != nil {
		return err
	}
	after = slices.DeleteFunc(after, func(line string) bool { return slices.Contains(before, line) })
	if len(after) > 0 {
		return fmt.Errorf("systemd would not accept the drop-in: %s", strings.Join(after, " / "))
	}
	return nil
}

// Preflight wants a unit to be there that shall be enabled or run, unless the plan
// brings it before.
func (v Verbs) Preflight(ctx context.Context, name string, want Unit, plan resource.Prospect) error {
	mistake := absent(name, want)
	if v.Connect == nil || mistake == nil {
		return nil
	}
	m, err := v.manager(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	s, err := look(ctx, m, name)
	if err != nil || !s.missing() {
		return err
	}
	if content, err := v.unitFile(name); err != nil || content != "" {
		return err // systemd has not read it yet
	}
	return plan.Lacking(*mistake, files(name)...).Err()
}

// files are the things with which a unit comes: what a package calls it, and the
// files that it may be in.
func files(name string) []resource.ID {
	var all []resource.ID
	for _, n := range fileNames(name) {
		all = append(all, resource.ID{Kind: "unit", Name: n})
		for _, dir := range searched {
			all = append(all, resource.ID{Kind: resource.Path, Name: path.Join(dir, n)})
		}
	}
	return all
}

// Brings says that nobody can tell what interfaces and files a service makes that
// is about to run.
func (Verbs) Brings(_ string, got, want *Unit) (things []resource.ID, may []string) {
	runs := got != nil && got.Active != nil && *got.Active
	if runs || want == nil || want.Active == nil || !*want.Active {
		return nil, nil
	}
	return nil, []string{resource.Interface, resource.Network, resource.Path, "directory", "sysctl"}
}

// fileNames returns how the file of a unit may be called.
func fileNames(name string) []string {
	names := []string{name}
	if prefix, _, ok := strings.Cut(name, "@"); ok {
		names = append(names, prefix+"@"+path.Ext(name))
	}
	return names
}

// unitFile returns the unit file, of an instance that of its template, or
// nothing where there is none.
func (v Verbs) unitFile(name string) (string, error) {
	for _, n := range fileNames(name) {
		for _, dir := range searched {
			text, err := readUnit(filepath.Join(v.Root, dir, n))
			if err == nil {
				return text, nil
			}
			if !errors.Is(err, os.ErrNotExist) {
				return "", fmt.Errorf("reading the unit file: %w", err)
			}
		}
	}
	return "", nil
}

// readUnit reads a unit file, through links. What is no regular file holds
// nothing, like the /dev/null of a mask; a pipe would hold us for ever.
func readUnit(file string) (string, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	return string(data), err
}

// verify returns what systemd-analyze has to say about a unit with these
// drop-ins, a line each.
func (v Verbs) verify(ctx context.Context, name, content string, dropins map[string]string) ([]string, error) {
	dir, leave, err := atomic.Room("verify")
	if err != nil {
		return nil, err
	}
	defer leave()
	unit := filepath.Join(dir, name)
	if err := os.Mkdir(unit+".d", 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(unit, []byte(content), 0o600); err != nil {
		return nil, err
	}
	for dropin, text := range dropins {
		if err := os.WriteFile(filepath.Join(unit+".d", dropin+".conf"), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	path := dir
	for _, d := range searched {
		path += ":" + filepath.Join(v.Root, d)
	}
	cmd := exec.CommandContext(ctx, "systemd-analyze", "verify", "--man=no", "--", unit)
	cmd.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+path, "SYSTEMD_COLORS=0", "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("running systemd-analyze: %w", err)
	}
	said := strings.ReplaceAll(string(out), dir+"/", "")
	return strings.FieldsFunc(strings.TrimSpace(said), func(r rune) bool { return r == '\n' }), nil
}
