package wireguard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/wgctrl"

	"vpnd/internal/kind/link"
	"vpnd/internal/namespace"
)

// Who may carry the packets.
const (
	auto      = "auto"
	Kernel    = "kernel"
	Userspace = "wireguard-go"
)

// Host are the verbs on the host itself.
func Host() Verbs {
	return Verbs{
		Run: "/run/vpnd-wireguard", Open: func() (Control, error) { return wgctrl.New() },
		Start: StartUserspace, Stop: StopUserspace, Kernel: sync.OnceValue(KernelHas), Lookup: Lookup, Clock: time.Now,
	}
}

// KernelHas says whether the kernel has WireGuard, by making an interface in a
// network that nobody sees and that ends with it. That loads the module where it
// is one. Who may not make such a network goes on: making the interface tells.
func KernelHas() bool {
	err := namespace.Run(unix.CLONE_NEWNET, func() error { return link.Add("wg0", "wireguard") })
	var denied *namespace.DeniedError
	return err == nil || errors.As(err, &denied)
}

// sockets is where wireguard-go listens for whoever configures it.
const sockets = "/run/wireguard"

// Unit is the unit that carries an interface in user space.
func Unit(name string) string { return "vpnd-wireguard-" + name + ".service" }

// confined are the settings of that unit: all that wireguard-go needs is a tun
// device, UDP, and a socket for who configures it; systemd.exec(5). It is not
// started anew by itself: what comes back knows no key and no peer, and is made
// anew by vpnd, which hears of its end.
var confined = []string{
	"Environment=LOG_LEVEL=error", "RuntimeDirectory=wireguard", "RuntimeDirectoryMode=0700", "RuntimeDirectoryPreserve=yes",
	"CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_BIND_SERVICE CAP_NET_RAW", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes",
	"PrivateTmp=yes", "ProtectKernelTunables=yes", "ProtectKernelModules=yes", "ProtectKernelLogs=yes", "ProtectControlGroups=yes",
	"ProtectClock=yes", "ProtectHostname=yes", "RestrictNamespaces=yes", "RestrictRealtime=yes", "RestrictSUIDSGID=yes", "LockPersonality=yes",
	"MemoryDenyWriteExecute=yes", "RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX", "SystemCallArchitectures=native",
	"SystemCallFilter=@system-service", "UMask=0077", "LimitCORE=0", "DevicePolicy=closed", "DeviceAllow=/dev/net/tun rw",
}

// started is how long wireguard-go may take until it answers.
const started = 10 * time.Second

// StartUserspace has systemd run wireguard-go for an interface, and waits until that
// answers. The unit lives as long as the interface: after a boot both are made
// anew.
func StartUserspace(ctx context.Context, name string) error {
	program, err := exec.LookPath("wireguard-go")
	if err != nil {
		return errors.New("this kernel has no WireGuard, and wireguard-go is not installed; install the package wireguard-go")
	}
	args := []string{"--quiet", "--collect", "--no-ask-password", "--unit=" + Unit(name), "--description=WireGuard of " + name + " in user space, for vpnd"}
	for _, setting := range confined {
		args = append(args, "--property="+setting)
	}
	// What one left that was killed answers nobody.
	if err := os.Remove(socketOf(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, started)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "systemd-run", append(args, "--", program, "--foreground", name)...).CombinedOutput(); err != nil {
		return fmt.Errorf("starting wireguard-go: %w: %s", err, strings.TrimSpace(string(out)))
	}
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		if serves(name) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wireguard-go does not begin to answer; see: journalctl -u %s", Unit(name))
		}
	}
}

// serves says whether wireguard-go has made the interface and answers.
func serves(name string) bool {
	links, err := link.Interfaces()
	if _, there := links[name]; err != nil || !there {
		return false
	}
	c, err := net.Dial("unix", socketOf(name))
	if err != nil {
		return false
	}
	return c.Close() == nil
}

func socketOf(name string) string { return filepath.Join(sockets, name+".sock") }

// StopUserspace ends it. The interface goes with it.
func StopUserspace(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, started)
	defer cancel()
	out, err := exec.CommandContext(ctx, "systemctl", "stop", Unit(name)).CombinedOutput()
	if err != nil && !strings.Contains(string(out), "not loaded") {
		return fmt.Errorf("stopping wireguard-go: %w: %s", err, strings.TrimSpace(string(out)))
	}
	if err := link.Delete(name); err != nil { // of one that runs otherwise
		return err
	}
	_ = os.Remove(sockets) // unless there are others
	return nil
}
