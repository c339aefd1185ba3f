package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"vpnd/internal/lab"
)

// Options say what a machine is for.
type Options struct {
	// Release is the Debian release of the machine and of the lab's hosts in it;
	// empty is lab.Bookworm.
	Release string
	// Packages are installed on the lab's hosts ([lab.Options]).
	Packages []string
	// Files are taken along: files and directories of this machine, by their paths
	// below /job in the machine. The owner is root, modes are kept.
	Files map[string]string
	// Script is run by sh(1) in /job, as root, without anything on its standard
	// input.
	Script string
	// Output is given what the script writes to standard output and error.
	Output io.Writer
	// Progress hears of what takes long. Nil is silence.
	Progress io.Writer
}

// The processors that a machine may have, the faster first.
const (
	kvm = "kvm"
	tcg = "tcg,thread=multi" // emulated
)

// How long a machine may take until its first program runs: KVM that is there and
// does not work hangs, which a second would show.
var bootTimeouts = map[string]time.Duration{kvm: 5 * time.Second, tcg: 3 * time.Minute}

// patience is that of labs in a machine, by its processor.
var patience = map[string]int{kvm: 2, tcg: 10}

// memory of a machine in MiB, which its hosts share.
const memory = 2048

var errNotBooted = errors.New("the machine did not boot")

// Run boots a machine, runs the script in it and returns its exit status. When ctx
// is done the machine is switched off. An error is one of the machine; what was last
// on its console is part of it.
func Run(ctx context.Context, o Options) (status int, err error) {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.Release == "" {
		o.Release = lab.Bookworm
	}
	img, err := prepare(ctx, o.Release, o.Packages, o.Progress)
	if err != nil {
		return 0, fmt.Errorf("preparing a machine: %w", err)
	}
	if hasKVM() {
		status, err = run(ctx, img, kvm, o)
		if !errors.Is(err, errNotBooted) || ctx.Err() != nil {
			return status, err
		}
		broken.Store(true)
		fmt.Fprintln(o.Progress, "machine: /dev/kvm is there and does not work, so the processor is emulated")
	}
	return run(ctx, img, tcg, o)
}

// broken says that this process has seen KVM hang.
var broken atomic.Bool

func hasKVM() bool {
	if broken.Load() {
		return false
	}
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// run is one machine, from its boot to its end.
func run(ctx context.Context, img image, processor string, o Options) (int, error) {
	dir, err := os.MkdirTemp("", "vpnd-machine-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	script := fmt.Sprintf("export %s=%d\n%s", lab.PatienceVariable, patience[processor], o.Script)
	if err := pack(filepath.Join(dir, "parcel"), o.Files, script); err != nil {
		return 0, fmt.Errorf("packing what the machine needs: %w", err)
	}
	if err := power(ctx, img, processor, dir, o.Output); err != nil {
		return 0, fmt.Errorf("%w; last on its console:\n%s", err, tail(filepath.Join(dir, "console")))
	}
	said, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return 0, err
	}
	_, number, _ := strings.Cut(string(said), "ended with status ")
	status, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil {
		return 0, fmt.Errorf("the machine ended before its script; last on its console:\n%s", tail(filepath.Join(dir, "console")))
	}
	return status, nil
}

// power runs qemu with the files of dir until the machine is off. It dies with this
// process.
func power(ctx context.Context, img image, processor, dir string, output io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// The kernel sends the parent-death signal when the thread ends that forked.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", arguments(img, processor, dir)...)
	cmd.Stdout = output
	var said strings.Builder
	cmd.Stderr = &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	booted := func() bool {
		text, _ := os.ReadFile(filepath.Join(dir, "status"))
		return len(text) > 0
	}
	impatient := time.AfterFunc(bootTimeouts[processor], func() {
		if !booted() {
			cancel(fmt.Errorf("nothing ran within %s", bootTimeouts[processor]))
		}
	})
	defer impatient.Stop()
	err := cmd.Wait()
	if err != nil {
		err = errors.Join(context.Cause(ctx), fmt.Errorf("qemu: %w: %s", err, strings.TrimSpace(said.String())))
	}
	if !booted() {
		err = errors.Join(errNotBooted, err)
	}
	return err
}

// arguments are those of qemu-system-x86_64(1). A machine has its disk, what was
// packed, and three serial lines: see init.sh.
func arguments(img image, processor, dir string) []string {
	return []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-accel", processor, "-smp", "2", "-m", strconv.Itoa(memory),
		"-kernel", filepath.Join(img.dir, "kernel"), "-initrd", filepath.Join(img.dir, "initrd"),
		"-drive", "if=virtio,format=raw,snapshot=on,file=" + filepath.Join(img.dir, "disk"),
		"-drive", "if=virtio,format=raw,readonly=on,file=" + filepath.Join(dir, "parcel"),
		"-serial", "file:" + filepath.Join(dir, "console"),
		"-serial", "stdio",
		"-serial", "file:" + filepath.Join(dir, "status"),
		"-append", "console=ttyS0 quiet panic=-1 mitigations=off cache=" + img.cache + " lower=" + img.lower,
	}
}

// tail is the end of a file, enough for the call trace of a kernel.
func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-8<<10):]))
}
