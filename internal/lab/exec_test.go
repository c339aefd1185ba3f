package lab_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
)

func TestRun(t *testing.T) {
	t.Parallel()
	h := labtest.Host(t, labtest.New(t), "a")
	_, err := h.Run(t.Context(), "sh", "-c", "echo out; echo no >&2; exit 3")
	var exit *lab.ExitError
	if !errors.As(err, &exit) || exit.Status != 3 || exit.Stdout != "out\n" || exit.Stderr != "no\n" {
		t.Errorf("Run returned %#v", err)
	}
	if !strings.HasSuffix(err.Error(), "exit status 3: no") || !strings.HasPrefix(err.Error(), "a: sh -c ") {
		t.Errorf("the error reads %q", err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := h.Run(ctx, "sh", "-c", "sleep 4242 & wait"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run with a deadline returned %v", err)
	}
	if left := labtest.Run(t, h, "ps", "-eo", "args"); strings.Contains(left, "4242") {
		t.Errorf("the command outlived its deadline:\n%s", left)
	}

	if err := h.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Run(t.Context(), "true"); err == nil || !strings.Contains(err.Error(), "a is not running") {
		t.Errorf("Run on a host that is down returned %v", err)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	h := labtest.Host(t, labtest.New(t), "a")
	ctx := t.Context()
	if err := h.WriteFile(ctx, "/etc/new/deep/secret", []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := labtest.Run(t, h, "stat", "-c", "%a %U %s", "/etc/new/deep/secret"); got != "600 root 4\n" {
		t.Errorf("the file is %q", got)
	}
	// An absolute link leads to the host's file, never to the machine's.
	labtest.Run(t, h, "ln", "-s", "/etc/hostname", "/root/link")
	if got := read(t, h, "/root/link"); got != "a\n" {
		t.Errorf("the link reads %q", got)
	}
	labtest.Run(t, h, "ln", "-s", "../../../../../../etc", "/root/up")
	if got := read(t, h, "/root/up/hostname"); got != "a\n" {
		t.Errorf("the link reads %q", got)
	}
	if _, err := h.ReadFile("/root/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading a missing file returned %v", err)
	}
	src := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(src, []byte("#!/bin/sh\necho ran\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := h.Copy(ctx, src, "/usr/local/bin/program"); err != nil {
		t.Fatal(err)
	}
	if got := labtest.Run(t, h, "program"); got != "ran\n" {
		t.Errorf("the program printed %q", got)
	}
}

// What a VPN needs of a host.
func TestFitForVPN(t *testing.T) {
	t.Parallel()
	h := labtest.Host(t, labtest.New(t), "a")
	labtest.Run(t, h, "ip", "tuntap", "add", "dev", "tun7", "mode", "tun")
	labtest.Run(t, h, "ip", "-6", "address", "add", "2001:db8::1/64", "dev", "tun7")
	labtest.Run(t, h, "sysctl", "-w", "net.ipv6.conf.all.forwarding=1")
	for backend, calls := range map[string]string{"legacy": "(legacy)", "nft": "(nf_tables)"} {
		if err := h.UseIPTables(t.Context(), backend); err != nil {
			t.Fatal(err)
		}
		for _, tool := range []string{"iptables", "ip6tables"} {
			if got := labtest.Run(t, h, tool, "--version"); !strings.Contains(got, calls) {
				t.Errorf("with the backend %s %s calls itself %q", backend, tool, got)
			}
			for _, rule := range []string{
				"-t nat -A POSTROUTING -o tun7 -j MASQUERADE",
				"-t filter -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
				"-t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu",
			} {
				labtest.Run(t, h, append([]string{tool, "-w"}, strings.Fields(rule)...)...)
			}
			if got := labtest.Run(t, h, tool+"-save"); !strings.Contains(got, "-j MASQUERADE") {
				t.Errorf("%s-save with the backend %s printed:\n%s", tool, backend, got)
			}
		}
	}
}

// The archives of the installed packages are on the disk, so that tests of
// package management need no mirror.
func TestPackagesOffline(t *testing.T) {
	t.Parallel()
	h := labtest.Host(t, labtest.New(t), "a")
	labtest.Run(t, h, "apt-get", "-q", "-y", "remove", "socat")
	if _, err := h.Run(t.Context(), "socat", "-V"); err == nil {
		t.Fatal("socat was not removed")
	}
	labtest.Run(t, h, "apt-get", "-q", "-y", "install", "socat")
	labtest.Run(t, h, "socat", "-V")
}

func TestBootFailure(t *testing.T) {
	t.Parallel()
	h := labtest.Host(t, labtest.New(t), "a")
	labtest.Run(t, h, "rm", "/lib/systemd/systemd", "/sbin/init")
	if err := h.Cut(); err != nil {
		t.Fatal(err)
	}
	err := h.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "booting a: ") || !strings.Contains(err.Error(), "execv(") {
		t.Errorf("Start of a host without init returned %v", err)
	}
}

// A boot that doesn't end is given up when its context is, and the error tells
// what it hung on.
func TestBootHangs(t *testing.T) {
	t.Parallel()
	h := labtest.Host(t, labtest.New(t), "a")
	write(t, h, "/etc/systemd/system/slow.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 600\n[Install]\nWantedBy=multi-user.target\n")
	labtest.Run(t, h, "systemctl", "enable", "slow")
	if err := h.Cut(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { // waits no longer than it must
		for ctx.Err() == nil && !strings.Contains(h.LastWords(), "Starting slow.service") {
			time.Sleep(20 * time.Millisecond)
		}
		cancel()
	}()
	if err := h.Start(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "Starting slow.service") {
		t.Errorf("Start of a host that never finishes booting returned %v", err)
	}
	if pid := h.PID(); pid != 0 {
		t.Errorf("after a failed Start the host runs as %d", pid)
	}
}

func TestDegraded(t *testing.T) {
	t.Parallel()
	l := labtest.New(t)
	h := labtest.Host(t, l, "a")
	write(t, h, "/etc/systemd/system/bad.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n[Install]\nWantedBy=multi-user.target\n")
	labtest.Run(t, h, "systemctl", "enable", "bad")
	if err := h.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(h.Degraded(), " "); got != "bad.service" {
		t.Errorf("failed units are %q", got)
	}
}
