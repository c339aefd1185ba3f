package unit

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// manager returns systemd, or what stands for it in an image.
func (v Verbs) manager(ctx context.Context) (Manager, error) {
	if v.Connect == nil {
		return image{v.Root}, nil
	}
	return v.Connect(ctx)
}

// An image is a file system in which no systemd runs. systemctl makes its links.
type image struct{ root string }

// Properties tells whether the unit is there and enabled.
func (i image) Properties(ctx context.Context, unit string) (map[string]any, error) {
	out, err := i.systemctl(ctx, "is-enabled", unit)
	// A unit that isn't enabled is a status, and one that isn't there a message.
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	load := "loaded"
	switch {
	case out == "" || out == "not-found":
		load = "not-found"
	case strings.HasPrefix(out, "masked"):
		load = "masked"
	}
	return map[string]any{"Id": unit, "LoadState": load, "UnitFileState": out, "ActiveState": "inactive"}, nil
}

// Run is not called: see [Verbs.Normalize].
func (i image) Run(context.Context, Job, string) (string, error) {
	return "", errors.New("nothing runs in an image")
}

// Enable is systemctl enable or disable.
func (i image) Enable(ctx context.Context, unit string, on bool) (bool, error) {
	verb := "disable"
	if on {
		verb = "enable"
	}
	if _, err := i.systemctl(ctx, verb, unit); err != nil {
		return false, err
	}
	s, err := look(ctx, i, unit)
	return s.enabled() == on, err
}

// Unmask is systemctl unmask.
func (i image) Unmask(ctx context.Context, unit string, runtime bool) error {
	if runtime {
		return nil // an image has no /run
	}
	_, err := i.systemctl(ctx, "unmask", unit)
	return err
}

// Mask is systemctl mask.
func (i image) Mask(ctx context.Context, unit string, runtime bool) error {
	if runtime {
		return nil // an image has no /run
	}
	_, err := i.systemctl(ctx, "mask", unit)
	return err
}

// ResetFailed has nothing to do.
func (image) ResetFailed(context.Context, string) error { return nil }

// Reload has nothing to do.
func (image) Reload(context.Context) error { return nil }

// Close has nothing to do.
func (image) Close() {}

func (i image) systemctl(ctx context.Context, verb, unit string) (string, error) {
	cmd := exec.CommandContext(ctx, "systemctl", "--root="+i.root, verb, "--", unit)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("systemctl %s: %w: %s", verb, err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), err
}
