package file

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"vpnd/internal/atomic"
)

// builtin begins the first word of a validate that is no command but a
// validator of vpnd's own.
const builtin = "vpnd:"

// maxOutput is how much of what a validator says is told, in bytes.
const maxOutput = 4 << 10

// A Validator says what is wrong with the content of a file; path is where it
// stands on the host for the moment.
type Validator func(ctx context.Context, path string) error

// knows says whether the validator exists, as far as that can be told without
// running a command.
func (v verbs[T, P]) knows(validate []string) error {
	if len(validate) == 0 || !strings.HasPrefix(validate[0], builtin) || v.Validators[validate[0]] != nil {
		return nil
	}
	return fmt.Errorf("there is no validator %q built in; give a command in which {} stands for the path", validate[0])
}

// accept asks the validator about the new content.
func (v verbs[T, P]) accept(ctx context.Context, validate []string, temporary string) error {
	if err := v.knows(validate); err != nil {
		return err
	}
	limit := cmp.Or(v.Timeout, 30*time.Second)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	said, err := "", error(nil)
	if check := v.Validators[validate[0]]; check != nil {
		err = check(ctx, temporary)
	} else {
		said, err = run(ctx, validate, temporary)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s did not answer within %s, so the old file stays", validate[0], limit)
	}
	refused := fmt.Errorf("%s refuses the new content: %w%s", validate[0], err, said)
	misses := strings.Contains(refused.Error(), noFile)
	if P(nil).secret() {
		refused = fmt.Errorf("%s refuses the new content (%s); what it says is not shown, since that may quote the secret", validate[0], status(err))
	}
	return &refusal{refused, misses}
}

// noFile is in what programs say of a file that is not there, in capitals or not.
const noFile = "o such file"

// A refusal is what a validator has against a content.
type refusal struct {
	error
	misses bool // it complains of a file that is not there
}

// Check asks a validator that can judge the text alone, before anything on the
// host is touched; what else validate says is asked when the file is written.
func (v verbs[T, P]) Check(ctx context.Context, _ string, want T) error {
	p := P(&want).plain()
	if len(p.validate) == 0 || p.content == nil || v.Early[p.validate[0]] == nil {
		return nil
	}
	room, leave, err := atomic.Room("check")
	if err != nil {
		return err
	}
	defer leave()
	path := filepath.Join(room, "content")
	if err := os.WriteFile(path, []byte(*p.content), 0o600); err != nil {
		return fmt.Errorf("making room for a check: %w", err)
	}
	v.Validators = v.Early
	return v.accept(ctx, p.validate, path)
}

// run runs a command on the file and returns what it said, on a new line.
func run(ctx context.Context, validate []string, temporary string) (said string, err error) {
	args := make([]string, len(validate))
	for i, arg := range validate {
		args[i] = strings.ReplaceAll(arg, "{}", temporary)
	}
	out := &head{}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	// What the command started dies with it, and can't hold its output open.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	if text := strings.TrimSpace(string(out.kept)); text != "" {
		said = "\n" + strings.ReplaceAll(text, temporary, "{}")
	}
	return said, err
}

// status says how a validator ended without a word of what it said.
func status(err error) string {
	var exit *exec.ExitError
	var start *exec.Error
	switch {
	case errors.As(err, &exit):
		return exit.ProcessState.String()
	case errors.As(err, &start):
		return "it can't be started: " + start.Err.Error()
	default:
		return "an error"
	}
}

// head keeps the beginning of what is written to it.
type head struct{ kept []byte }

// Write never fails, so that the writer is not stopped.
func (h *head) Write(p []byte) (int, error) {
	h.kept = append(h.kept, p[:min(len(p), maxOutput-len(h.kept))]...)
	return len(p), nil
}
