package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// rehearse asks the command that validates a file about its content before
// anything on the host is touched. The command gets a copy in memory that has no
// name in any directory, so that nothing is written and a secret is nowhere to be
// found: what it is told is where this process holds it, which only root and the
// user of this process can read. It is asked again when the file is written, then
// with the file in its directory. So what it misses here is no mistake where it may
// be there then.
func (v verbs[T, P]) rehearse(ctx context.Context, name string, p plain, plan resource.Prospect) *resource.Mistake {
	if plan.Undo || len(p.validate) == 0 || p.content == nil || strings.HasPrefix(p.validate[0], builtin) {
		return nil
	}
	there, err := atomic.ReadFile(v.Root, name, maxSize)
	stands := err == nil
	if stands && string(there) == *p.content {
		return nil
	}
	if _, err := exec.LookPath(p.validate[0]); err != nil {
		m := resource.Mistake{Path: "validate", Summary: "there is no command " + p.validate[0], Hint: "see its spelling, or install what brings it"}
		return plan.Lacking(m, program(p.validate[0])...)
	}
	refused := v.ask(ctx, p.validate, *p.content)
	if refused == nil {
		return nil
	}
	m := resource.Mistake{Path: "content", Summary: "validate fails: " + refused.Error(), Hint: "mend the content, or what validate asks"}
	if p.source != nil {
		m.Path = "source"
	}
	var refusal *refusal
	const later = "it is asked again when the file is written, and the apply stops there if it refuses it then too"
	switch {
	case stands && v.ask(ctx, p.validate, string(there)) != nil:
		m.Warning, m.Hint = true, "it refuses what stands there now in the same way, so it may need the file in its directory; "+later
	case errors.As(refused, &refusal) && refusal.misses:
		m.Warning, m.Hint = true, "that may be there then; "+later
	case len(plan.Before(resource.Path)) > 0 || len(plan.Before("package")) > 0:
		m.Warning, m.Hint = true, "that may be due to what comes before it in this plan; "+later
	}
	return &m
}

// ask has a command judge content in memory.
func (v verbs[T, P]) ask(ctx context.Context, validate []string, content string) error {
	fd, err := unix.MemfdCreate("content", unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("making room for a check: %w", err)
	}
	f := os.NewFile(uintptr(fd), "content")
	defer f.Close()
	// The content may be secret, so it comes last.
	if err := f.Chmod(0o600); err != nil {
		return fmt.Errorf("making room for a check: %w", err)
	}
	if _, err := f.WriteString(content); err != nil {
		return fmt.Errorf("making room for a check: %w", err)
	}
	return v.accept(ctx, validate, fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd))
}

// program is where a command may be.
func program(word string) []resource.ID {
	if path.IsAbs(word) {
		return []resource.ID{{Kind: resource.Path, Name: word}}
	}
	var all []resource.ID
	for _, dir := range []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		all = append(all, resource.ID{Kind: resource.Path, Name: path.Join(dir, word)})
	}
	return all
}
