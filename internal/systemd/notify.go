package systemd

import (
	"context"
	"net"
	"os"
	"time"

	notify "github.com/coreos/go-systemd/v22/daemon"
)

// Notifier returns what tells systemd how the service is; see sd_notify(3).
// Elsewhere it tells nobody. Its socket is opened once: a daemon that has run
// out of descriptors must still be able to say that it is ready and alive.
func Notifier() (tell func(state string)) {
	nobody := func(string) {}
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return nobody
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return nobody
	}
	return func(state string) { _, _ = conn.Write([]byte(state)) }
}

// Reloading is what systemd is told when a reload begins.
func Reloading() string {
	return notify.SdNotifyReloading + "\n" + notify.SdNotifyMonotonicUsec()
}

// Watchdog returns how often systemd wants a sign of life; 0 is never.
func Watchdog() time.Duration {
	interval, err := notify.SdWatchdogEnabled(false)
	if err != nil {
		return 0
	}
	return interval
}

// Booting says whether systemd is still starting this host. Only a daemon that
// systemd started has to ask: whom others start finds a host that is up.
func Booting(ctx context.Context) bool {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := Connect(ctx)
	if err != nil {
		return false
	}
	defer conn.Close()
	p, err := conn.SystemStateContext(ctx)
	if err != nil {
		return false
	}
	state, _ := p.Value.Value().(string)
	return state == "initializing" || state == "starting"
}
