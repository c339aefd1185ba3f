package confirm

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// packaged is the unit of vpnd's package that undoes at boot.
const packaged = "vpnd-rollback.service"

// bootUnit is that unit for other directories and another binary; see
// packaging/vpnd-rollback.service.
//
// It comes before sysinit.target, and so before every service of the usual kind:
// they start as they were. With the default dependencies it came after that,
// and cloud-init has sysinit.target wait for the network, which waits for this
// unit: systemd would break the circle by leaving out one of them.
const bootUnit = `# Written by vpnd while an apply waits for confirmation, and removed with it.
[Unit]
Description=Undo of a vpnd apply that nobody confirmed before the host went down
Documentation=man:vpnd(8)
DefaultDependencies=no
RequiresMountsFor=%s
Conflicts=shutdown.target
After=local-fs.target systemd-sysctl.service systemd-modules-load.service systemd-tmpfiles-setup.service
After=modprobe@tun.service
Before=sysinit.target network-pre.target vpnd.service shutdown.target
Wants=network-pre.target modprobe@tun.service
StartLimitIntervalSec=1h
StartLimitBurst=60

[Service]
Type=oneshot
ExecStartPre=-+/bin/sh -c 'case $$(iptables --version) in *legacy*) modprobe -abq ip_tables ip6_tables ;; esac'
ExecStart=%s
SyslogIdentifier=vpnd
TimeoutStartSec=2min
Restart=on-failure
RestartSec=10s

# The sandbox is that of the agent; vpnd.service explains it.
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_SYS_ADMIN CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER
RestrictNamespaces=net
RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6
SystemCallFilter=@system-service
SystemCallFilter=~@resources
SystemCallErrorNumber=EPERM
SystemCallArchitectures=native
ProtectSystem=yes
ReadWritePaths=-/usr/local
PrivateTmp=yes
PrivateMounts=yes
ProtectKernelTunables=yes
ReadWritePaths=-/proc/sys/abi -/proc/sys/crypto -/proc/sys/debug -/proc/sys/dev -/proc/sys/fs
ReadWritePaths=-/proc/sys/kernel -/proc/sys/net -/proc/sys/sunrpc -/proc/sys/user -/proc/sys/vm
ProtectProc=invisible
PrivateDevices=yes
BindPaths=-/dev/net/tun
DeviceAllow=/dev/net/tun rw
ProtectClock=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
KeyringMode=private
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
UMask=0077
LimitCORE=0

[Install]
WantedBy=multi-user.target
`

// bootText is the boot unit for a directory of the state and a command. Where one
// of them is in a directory of temporary files, the unit sees the host's own.
func bootText(dir string, argv []string) string {
	text := bootUnit
	if temporary(dir) || temporary(argv[0]) {
		text = strings.Replace(text, "PrivateTmp=yes\n", "", 1)
	}
	words := make([]string, len(argv))
	for i, word := range argv {
		words[i] = strings.ReplaceAll(quote(word), "$", "$$")
	}
	return fmt.Sprintf(text, quote(dir), strings.Join(words, " "))
}

func temporary(path string) bool {
	return strings.HasPrefix(path, "/tmp/") || strings.HasPrefix(path, "/var/tmp/")
}

// quote writes a word as systemd.syntax(7) wants it.
func quote(word string) string {
	word = strings.NewReplacer("%", "%%", `\`, `\\`, `"`, `\"`).Replace(word)
	if strings.ContainsAny(word, " \t'\"\\;") {
		return `"` + word + `"`
	}
	return word
}

// atBoot makes sure that the next boot undoes: the packaged unit does where it
// is enabled and looks into the same directory; else one is written for the time
// being.
func (d *Deadline) atBoot(ctx context.Context, m Manager) error {
	path, err := m.Enabled(ctx, packaged)
	if err != nil {
		return err
	}
	if path != "" {
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), "\n"+conditions(d.Dir)) {
			return nil
		}
	}
	if err := d.writeOwn(); err != nil {
		return fmt.Errorf("having the next boot undo: %w; where /etc can't be written, systemctl enable %s while it can", err, packaged)
	}
	return nil
}

// conditions are those of a unit that looks into a directory at each boot: for one of
// two files, so that one that is lost keeps it from nothing.
func conditions(dir string) string {
	const either = "ConditionPathExists=|"
	return either + state.PendingPath(dir) + "\n" + either + state.ReservePath(dir) + "\n"
}

// writeOwn writes a boot unit and enables it. No daemon-reload is needed for
// the boot to see it.
func (d *Deadline) writeOwn() error {
	file, link := d.own()
	if err := os.MkdirAll(filepath.Join(d.Root, filepath.Dir(link)), 0o755); err != nil {
		return err
	}
	text := bootText(d.Dir, append(slices.Clone(d.Argv), "--at-boot"))
	if err := atomic.Write(d.Root, atomic.File{Path: file, Data: []byte(text), Mode: 0o644, UID: -1, GID: -1}); err != nil {
		return err
	}
	return atomic.Symlink(d.Root, link, "../"+filepath.Base(file), -1, -1)
}

// own returns the paths of the boot unit of this directory's own and of the link
// that enables it.
func (d *Deadline) own() (file, link string) {
	name := undoUnits + unit.UnitNamePathEscape(d.Dir) + ".service"
	const etc = "/etc/systemd/system"
	return filepath.Join(etc, name), filepath.Join(etc, "multi-user.target.wants", name)
}

// Tidy removes the boot unit that stands for nothing any more, where one was
// written.
func (d *Deadline) Tidy() error {
	file, link := d.own()
	for _, path := range []string{link, file} {
		if err := atomic.Remove(d.Root, path); err != nil {
			return fmt.Errorf("removing the boot unit: %w", err)
		}
	}
	return nil
}

// AtBoot takes out of a snapshot what can't be waited for before the network
// is up: systemd itself starts the units that are enabled, after the undo.
// Those that shall not run are taken out of what this boot starts.
func AtBoot(ctx context.Context, m Manager, kinds resource.Catalog, snap *state.Snapshot) error {
	for i, was := range snap.Present {
		k, known := kinds.Kind(was.ID.Kind)
		if !known || !k.Runs {
			continue
		}
		running, _ := resource.Running(k.New())
		var shape map[string]json.RawMessage
		if err := json.Unmarshal(was.Shape, &shape); err != nil {
			return fmt.Errorf("%s: %w", was.ID, err)
		}
		if string(shape[running.Name]) == "false" {
			if err := m.Cancel(ctx, was.ID.Name); err != nil {
				return fmt.Errorf("%s: %w", was.ID, err)
			}
			continue
		}
		delete(shape, running.Name)
		text, err := json.Marshal(shape)
		if err != nil {
			return err
		}
		snap.Present[i].Shape = text
	}
	return nil
}
