package sysctl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"vpnd/internal/atomic"
	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// maxFile is how much of a configuration file is read, in bytes.
const maxFile = 1 << 20

// Verbs are the verbs of the kind sysctl.
type Verbs struct {
	Root   string         // where /etc/sysctl.d is: "/" for the host itself
	Proc   string         // /proc/sys; empty for an image, which has no kernel: only its boot is managed
	Shared *notice.Shared // with other watchers; nil is nothing, and nobody is named
}

// Observe looks at keys, and reads the files of others once. A key that the kernel
// does not have, for which vpnd has no file either, is not there.
func (v Verbs) Observe(ctx context.Context, wants map[string]*Sysctl) (map[string]*Sysctl, error) {
	late, err := readLate(v.Root)
	if err != nil {
		return nil, err
	}
	return resource.ObserveEach(ctx, wants, func(name string, _ *Sysctl) (*Sysctl, error) {
		got, err := v.observe(name)
		if got != nil {
			got.Overridden = resource.Ptr(late.winner(name, cmp.Or(*got.Boot, *got.Value)))
		}
		return got, err
	})
}

func (v Verbs) observe(name string) (*Sysctl, error) {
	boot, err := v.boot(name)
	if err != nil {
		return nil, err
	}
	runtime, err := v.runtime(name)
	if err != nil {
		return nil, err
	}
	value, err := v.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		if boot == "" && runtime == "" {
			return nil, nil
		}
		value, err = "", nil
	}
	return &Sysctl{Value: &value, Boot: &boot, Runtime: &runtime, Siblings: v.siblings(name)}, err
}

// read returns what the kernel holds. The value of an image is what its boot
// will make it.
func (v Verbs) read(name string) (string, error) {
	if v.Proc == "" {
		value, err := v.boot(name)
		if err == nil && value == "" {
			err = fs.ErrNotExist
		}
		return value, err
	}
	data, err := os.ReadFile(filepath.Join(v.Proc, fileOf(name)))
	if errors.Is(err, fs.ErrNotExist) {
		if _, unmounted := os.Stat(v.Proc); unmounted != nil {
			// Not as [fs.ErrNotExist]: the key is unknown, not gone.
			return "", fmt.Errorf("%s is not there, so nobody can tell what the kernel holds; mount /proc", v.Proc)
		}
	}
	switch {
	case errors.Is(err, unix.EISDIR):
		return "", errors.New("this is a group of keys and no key; name one of those in it")
	case errors.Is(err, fs.ErrPermission):
		return "", fmt.Errorf("the key can't be read, so nobody can tell what it holds: %w", err)
	}
	return tidy(string(data)), err
}

// boot returns the value that vpnd's own file sets, and nothing where that
// file is not there or not as vpnd writes it.
func (v Verbs) boot(name string) (string, error) {
	return v.valueIn(bootFile(name), name, bootText)
}

// valueIn returns the value that a file of vpnd's own sets, and nothing where
// the file is not there or not as it is written.
func (v Verbs) valueIn(file, name string, write func(name, value string) string) (string, error) {
	data, err := atomic.ReadFile(v.Root, file, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if errors.Is(err, unix.ELOOP) {
		return "", nil // a link, which the next write replaces
	}
	if err != nil {
		return "", fmt.Errorf("reading what %s sets: %w", file, err)
	}
	text := string(data)
	_, value, _ := strings.Cut(strings.TrimSuffix(text, "\n"), "\n"+dotted(name)+" = ")
	if text != write(name, value) || strings.Contains(value, "\n") {
		return "", nil
	}
	return value, nil
}

// Normalize tidies the values, asks for the same at boot unless that was told,
// and names who would win there. Of an image the boot is all there is.
func (v Verbs) Normalize(_ context.Context, wants map[string]*Sysctl) (map[string]*Sysctl, error) {
	late, err := readLate(v.Root)
	if err != nil {
		return nil, err
	}
	normal := make(map[string]*Sysctl, len(wants))
	for name, want := range wants {
		n := *want
		if n.Value != nil {
			n.Value = resource.Ptr(tidy(*n.Value))
		}
		if n.Boot == nil {
			n.Boot = n.Value
		}
		switch {
		case v.Proc == "":
			n.Value, n.Runtime = n.Boot, nil
		case n.Runtime != nil:
			n.Runtime = resource.Ptr(tidy(*n.Runtime))
		case Forwards(name):
			n.Runtime = resource.Ptr("")
		}
		if n.Boot != nil {
			n.Overridden = resource.Ptr(late.winner(name, *n.Boot))
		}
		normal[name] = &n
	}
	return normal, nil
}

// Apply sets keys: first for the boot, then in the kernel, those that
// change others before the others, and at last once more what the kernel
// changed meanwhile.
func (v Verbs) Apply(_ context.Context, items []resource.Item[Sysctl]) error {
	items = slices.Clone(items)
	resource.SortStable(items, func(a, b resource.Item[Sysctl]) int { return cmp.Compare(rank(a.Name), rank(b.Name)) })
	failed := make(map[string]error)
	if err := v.setBoot(items, failed); err != nil {
		return err
	}
	if v.Proc != "" {
		v.setNow(items, failed)
		v.prove(items, failed)
	}
	var errs []error
	for _, item := range items {
		if err := failed[item.Name]; err != nil {
			errs = append(errs, &resource.NameError{Name: item.Name, Err: err})
		}
	}
	return errors.Join(errs...)
}

// setNow sets the keys in the kernel.
func (v Verbs) setNow(items []resource.Item[Sysctl], failed map[string]error) {
	before := make(map[string]map[string]string)
	for _, item := range items {
		before[item.Name] = v.siblings(item.Name)
	}
	for range 2 {
		for _, item := range items {
			if failed[item.Name] == nil && wished(item) {
				failed[item.Name] = v.set(item.Name, *item.Want.Value)
			}
		}
	}
	for _, item := range items {
		if failed[item.Name] == nil && item.Got != nil && *item.Got.Value != *item.Want.Value {
			failed[item.Name] = errors.Join(v.giveBack(item, before[item.Name]), v.keep(item.Name, before[item.Name]))
		}
	}
}

// rank orders keys by whom the kernel lets change whom.
func rank(name string) int {
	switch {
	case Forwards(name):
		return 0
	case strings.Contains(dotted(name), ".conf.all."):
		return 1
	case strings.Contains(dotted(name), ".conf.default."):
		return 2
	default:
		return 3
	}
}

// setBoot writes or removes vpnd's own files.
func (v Verbs) setBoot(items []resource.Item[Sysctl], failed map[string]error) error {
	var files []atomic.File
	add := func(path, text string) {
		files = append(files, atomic.File{Path: path, Data: []byte(text), Mode: 0o644, UID: -1, GID: -1})
	}
	for _, item := range items {
		switch boot := item.Want.Boot; {
		case boot == nil:
			continue
		case *boot == "":
			failed[item.Name] = atomic.Remove(v.Root, bootFile(item.Name))
		case item.Got == nil || *item.Got.Boot != *boot:
			add(bootFile(item.Name), bootText(item.Name, *boot))
		}
		// Earlier versions knew no such file and wished for none.
		switch runtime := item.Want.Runtime; {
		case runtime == nil || *runtime == "":
			failed[item.Name] = errors.Join(failed[item.Name], v.removeRuntime(item.Name))
		case item.Got == nil || *item.Got.Runtime != *runtime:
			failed[item.Name] = errors.Join(failed[item.Name], v.ready())
			add(runtimeFile(item.Name), runtimeText(item.Name, *runtime))
		}
	}
	if len(files) == 0 {
		return nil
	}
	err := atomic.WriteAll(v.Root, files)
	var missing *atomic.NoDirectoryError
	if errors.As(err, &missing) {
		return fmt.Errorf("%w; declare directory %q, or install systemd or procps", missing, missing.Path)
	}
	if err != nil {
		return fmt.Errorf("setting it at boot: %w", err)
	}
	return nil
}

// wished says whether the kernel shall hold something. A key that was not
// there is given back with no value.
func wished(item resource.Item[Sysctl]) bool {
	return item.Want.Value != nil && *item.Want.Value != ""
}

// set writes a value to the kernel where it holds another one.
func (v Verbs) set(name, value string) error {
	now, err := v.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return v.missing(name)
	}
	if err != nil || now == value {
		return err
	}
	f, err := os.OpenFile(filepath.Join(v.Proc, fileOf(name)), os.O_WRONLY, 0)
	if err != nil {
		return refused(value, err)
	}
	_, err = f.WriteString(value + "\n")
	if err = errors.Join(err, f.Close()); err != nil {
		return refused(value, err)
	}
	return nil
}

func refused(value string, err error) error {
	switch {
	case errors.Is(err, unix.EINVAL):
		return fmt.Errorf("the kernel does not accept %q: %w", value, err)
	case errors.Is(err, unix.EROFS):
		return fmt.Errorf("/proc/sys is read-only here, as in a container; set the key on its host: %w", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the key can only be read here: %w", err)
	}
	return err
}

// missing says what to do about a key that the kernel does not have.
func (v Verbs) missing(name string) error {
	if v.hasDirectory(name) {
		return fmt.Errorf("the kernel has no such key; check its spelling, or load the module that brings it; sysctl %s names those that are beside it", path.Dir(fileOf(name)))
	}
	parts := strings.Split(fileOf(name), "/")
	if len(parts) == 5 && parts[0] == "net" && (parts[2] == "conf" || parts[2] == "neigh") {
		return fmt.Errorf("there is no interface %s now; it must be there first, so let this block depend on the one that makes it", parts[3])
	}
	return errors.New("the kernel has no such key; check its spelling, or load the module that brings it")
}

// prove reads all back: the kernel may have made something else of a value.
func (v Verbs) prove(items []resource.Item[Sysctl], failed map[string]error) {
	for _, item := range items {
		if failed[item.Name] != nil || !wished(item) {
			continue
		}
		now, err := v.read(item.Name)
		if err == nil && now != *item.Want.Value {
			err = fmt.Errorf("the kernel made %q of %q; if that is meant, write it so", now, *item.Want.Value)
		}
		failed[item.Name] = err
	}
}

// Remove gives keys up.
func (v Verbs) Remove(_ context.Context, names []string) error {
	return resource.RemoveEach(names, v.remove)
}

// remove removes vpnd's own files. What the kernel holds stays, since it always
// holds something; but nobody knows what a switch of forwarding was before, and it
// is off without vpnd.
func (v Verbs) remove(name string) error {
	err := errors.Join(atomic.Remove(v.Root, bootFile(name)), v.removeRuntime(name))
	if err != nil || v.Proc == "" || !Forwards(name) {
		return err
	}
	if _, err := v.read(name); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return v.set(name, "0")
}

// Marked says whether a file of vpnd's own for the key is there.
func (v Verbs) Marked(_ string, got *Sysctl) bool { return *got.Boot != "" || *got.Runtime != "" }

// Tidy removes what a killed writer left beside vpnd's own files.
func (v Verbs) Tidy(name string, _ Sysctl) error {
	if v.Proc == "" || !Forwards(name) {
		return atomic.Tidy(v.Root, bootFile(name))
	}
	return atomic.Tidy(v.Root, bootFile(name), runtimeFile(name))
}
