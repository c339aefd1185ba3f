package unit

import (
	"context"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
)

// A Manager is what the verbs need of systemd; see org.freedesktop.systemd1(5).
type Manager interface {
	// Properties returns the properties of a unit and of its type.
	Properties(ctx context.Context, unit string) (map[string]any, error)
	// Run runs a job to its end and returns its result; done is success.
	Run(ctx context.Context, job Job, unit string) (string, error)
	// Enable enables or disables the unit; installs is false where its file
	// doesn't say what enabling means.
	Enable(ctx context.Context, unit string, on bool) (installs bool, err error)
	// Unmask lifts a mask, in /run where runtime says so.
	Unmask(ctx context.Context, unit string, runtime bool) error
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

// Connect reaches the systemd of this host by its private socket, which needs no
// message bus, or else by the system bus.
func Connect(ctx context.Context) (Manager, error) {
	private, err := dbus.NewSystemdConnectionContext(ctx)
	if err == nil {
		return Bus{private}, nil
	}
	public, busErr := dbus.NewSystemConnectionContext(ctx)
	if busErr != nil {
		return nil, fmt.Errorf("reaching systemd: %w, and by the system bus: %w; units can be managed only where systemd runs", err, busErr)
	}
	return Bus{public}, nil
}

// A Bus is a [Manager] behind a connection of go-systemd.
type Bus struct{ Conn *dbus.Conn }

// Properties returns all properties.
func (b Bus) Properties(ctx context.Context, unit string) (map[string]any, error) {
	return b.Conn.GetAllPropertiesContext(ctx, unit)
}

// jobTime is how long a job may take. Most services give up after 90 seconds.
const jobTime = 3 * time.Minute

// Run runs a job in mode replace.
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
	if _, err := call(ctx, unit, "replace", done); err != nil {
		return "", err
	}
	timeout := time.NewTimer(jobTime)
	defer timeout.Stop()
	select {
	case result := <-done:
		return result, nil
	case <-timeout.C:
		return "", fmt.Errorf("the job has not ended after %s", jobTime)
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Enable changes the links below /etc; links of others are not replaced.
func (b Bus) Enable(ctx context.Context, unit string, on bool) (bool, error) {
	if !on {
		_, err := b.Conn.DisableUnitFilesContext(ctx, []string{unit}, false)
		return true, err
	}
	installs, _, err := b.Conn.EnableUnitFilesContext(ctx, []string{unit}, false, false)
	return installs, err
}

// Unmask removes the link to /dev/null.
func (b Bus) Unmask(ctx context.Context, unit string, runtime bool) error {
	_, err := b.Conn.UnmaskUnitFilesContext(ctx, []string{unit}, runtime)
	return err
}

// ResetFailed forgets failures and the count of restarts.
func (b Bus) ResetFailed(ctx context.Context, unit string) error {
	return b.Conn.ResetFailedUnitContext(ctx, unit)
}

// Reload is systemctl daemon-reload.
func (b Bus) Reload(ctx context.Context) error { return b.Conn.ReloadContext(ctx) }

// Close ends the connection.
func (b Bus) Close() { b.Conn.Close() }
