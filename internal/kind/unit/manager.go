package unit

import (
	"context"
	"fmt"
	"time"

	"vpnd/internal/systemd"
)

// A Manager is what the verbs need of systemd; see org.freedesktop.systemd1(5).
type Manager interface {
	// Properties returns the properties of a unit and of its type.
	Properties(ctx context.Context, unit string) (map[string]any, error)
	// Run runs a job to its end and returns its result; done is success. Only a
	// stop cancels jobs of others.
	Run(ctx context.Context, job Job, unit string) (string, error)
	// Enable enables or disables the unit; installs is false where its file
	// doesn't say what enabling means.
	Enable(ctx context.Context, unit string, on bool) (installs bool, err error)
	// Unmask lifts a mask, in /run where runtime says so.
	Unmask(ctx context.Context, unit string, runtime bool) error
	// Mask makes a unit one that can't be started, until the next boot where
	// runtime says so.
	Mask(ctx context.Context, unit string, runtime bool) error
	// ResetFailed lets a unit start that failed too often.
	ResetFailed(ctx context.Context, unit string) error
	// Reload makes systemd read its unit files again.
	Reload(ctx context.Context) error
	Close()
}

// A Job is what a unit can be told to do.
type Job string

// The jobs.
const (
	Start   Job = "start"
	Stop    Job = "stop"
	Restart Job = "restart"
	Reload  Job = "reload"
)

// Connect reaches the systemd of this host.
func Connect(ctx context.Context) (Manager, error) {
	conn, err := systemd.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w; units can be managed only where systemd runs", err)
	}
	return Bus{conn}, nil
}

// A Bus is a [Manager] behind a connection to systemd. Each of its calls ends:
// a systemd that does not answer is an error.
type Bus struct{ Conn *systemd.Conn }

// Properties returns all properties. Whether the unit is enabled is looked up in
// the files where systemd can say so.
func (b Bus) Properties(ctx context.Context, unit string) (p map[string]any, err error) {
	err = within(ctx, systemd.Answer, func(ctx context.Context) error {
		if p, err = b.Conn.GetAllPropertiesContext(ctx, unit); err != nil {
			return err
		}
		const key = "UnitFileState"
		if seen, _ := p[key].(string); seen == "" { // it has no file
			return nil
		}
		id, _ := p["Id"].(string)
		if now, err := b.Conn.UnitFileState(ctx, id); err == nil {
			p[key] = now
		}
		return ctx.Err()
	})
	return p, err
}

// jobTime is how long a job may take. Most services give up after 90 seconds.
const jobTime = 3 * time.Minute

// readTime is how long systemd may take to read its files again, for which it
// runs all generators.
const readTime = 90 * time.Second

// Run runs a job, a stop in mode replace and the others in mode fail;
// systemctl(1), --job-mode.
func (b Bus) Run(ctx context.Context, job Job, unit string) (string, error) {
	call := map[Job]func(context.Context, string, string, chan<- string) (int, error){
		Start:   b.Conn.StartUnitContext,
		Stop:    b.Conn.StopUnitContext,
		Restart: b.Conn.RestartUnitContext,
		Reload:  b.Conn.ReloadUnitContext,
	}[job]
	// Buffered: nobody reads it after the time is over, and the connection
	// would be stuck.
	done := make(chan string, 1)
	ctx, cancel := context.WithTimeoutCause(ctx, jobTime, fmt.Errorf("the job has not ended after %s", jobTime))
	defer cancel()
	mode := "fail"
	if job == Stop {
		mode = "replace"
	}
	err := within(ctx, systemd.Answer, func(ctx context.Context) error {
		_, err := call(ctx, unit, mode, done)
		return err
	})
	if opposes(err) {
		return opposed, nil
	}
	if err != nil {
		return "", err
	}
	select {
	case result := <-done:
		return result, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// Enable changes the links below /etc; links of others are not replaced.
func (b Bus) Enable(ctx context.Context, unit string, on bool) (installs bool, err error) {
	err = within(ctx, systemd.Answer, func(ctx context.Context) (err error) {
		if on {
			installs, _, err = b.Conn.EnableUnitFilesContext(ctx, []string{unit}, false, false)
			return err
		}
		installs = true
		_, err = b.Conn.DisableUnitFilesContext(ctx, []string{unit}, false)
		return err
	})
	return installs, err
}

// Unmask removes the link to /dev/null.
func (b Bus) Unmask(ctx context.Context, unit string, runtime bool) error {
	return within(ctx, systemd.Answer, func(ctx context.Context) error {
		_, err := b.Conn.UnmaskUnitFilesContext(ctx, []string{unit}, runtime)
		return err
	})
}

// Mask makes the link to /dev/null.
func (b Bus) Mask(ctx context.Context, unit string, runtime bool) error {
	return within(ctx, systemd.Answer, func(ctx context.Context) error {
		_, err := b.Conn.MaskUnitFilesContext(ctx, []string{unit}, runtime, false)
		return err
	})
}

// ResetFailed forgets failures and the count of restarts.
func (b Bus) ResetFailed(ctx context.Context, unit string) error {
	return within(ctx, systemd.Answer, func(ctx context.Context) error { return b.Conn.ResetFailedUnitContext(ctx, unit) })
}

// Reload is systemctl daemon-reload.
func (b Bus) Reload(ctx context.Context) error { return within(ctx, readTime, b.Conn.ReloadContext) }

// Close ends the connection.
func (b Bus) Close() { b.Conn.Close() }

// within makes a call that systemd has to answer in that time.
func within(ctx context.Context, bound time.Duration, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, bound, fmt.Errorf("systemd has not answered within %s", bound))
	defer cancel()
	err := call(ctx)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
