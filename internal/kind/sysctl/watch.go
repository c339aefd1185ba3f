package sysctl

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// Watch hears of changes of the files for the boot, of writes to keys, and of
// what the network tells of its own. A key that the kernel changes by itself,
// or that is written through another mount of /proc, is heard of only where
// netlink tells: forwarding, rp_filter, mc_forwarding, proxy_arp and proxy_ndp,
// bc_forwarding, ignore_routes_with_linkdown. Who wrote a key is known where
// fanotify(7) knows /proc, as that of Linux 6.18 does.
func (v Verbs) Watch(ctx context.Context, names []string, kick func(resource.Hint)) error {
	begin := func() { kick(resource.Hint{}) }
	files := func(ctx context.Context, begin func()) error { return v.watchBoot(ctx, names, begin, kick) }
	if v.Proc == "" {
		return files(ctx, begin)
	}
	k := &keys{proc: v.Proc, shared: v.Shared, names: names, kick: kick}
	return notice.Together(ctx, begin, k.watchNetwork, k.watchFiles, files)
}

// watchBoot hears of vpnd's own files and of those of others that may win over
// them.
func (v Verbs) watchBoot(ctx context.Context, names []string, begin func(), kick func(resource.Hint)) error {
	ours := make(map[string]string)
	paths := []string{"/etc/sysctl.conf"}
	for _, dir := range directories {
		paths = append(paths, dir+"/")
	}
	for _, name := range names {
		ours[bootFile(name)] = name
		paths = append(paths, bootFile(name))
		if Forwards(name) {
			ours[runtimeFile(name)] = name
			paths = append(paths, runtimeFile(name))
		}
	}
	return notice.Files{
		Root: v.Root, Paths: paths, Begin: begin, Shared: v.Shared,
		Changed: func(file, by string) { kick(resource.Hint{Name: ours[file], By: by}) },
	}.Listen(ctx)
}

// keys are those below /proc/sys.
type keys struct {
	proc   string
	shared *notice.Shared
	names  []string
	kick   func(resource.Hint)
	links  map[link]string // the interfaces that have keys of interest, by name

	mu    sync.Mutex
	stale func() // has the files watched anew
}

// watchFiles hears of writes to keys. The keys of an interface are others once
// it was made anew, of which watchNetwork hears.
func (k *keys) watchFiles(ctx context.Context, begin func()) error {
	for {
		inner, cancel := context.WithCancel(ctx)
		k.mu.Lock()
		k.stale = cancel
		k.mu.Unlock()
		err := k.watchOnce(inner, begin)
		cancel()
		if err != nil || ctx.Err() != nil {
			return err
		}
	}
}

func (k *keys) renew() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stale != nil {
		k.stale()
	}
}

func (k *keys) watchOnce(ctx context.Context, begin func()) error {
	concerned := make(map[string][]string)
	for _, name := range k.names {
		for _, file := range filesOf(name) {
			concerned[file] = append(concerned[file], name)
		}
	}
	var paths, dirs []string
	for file := range concerned {
		paths = append(paths, file)
		dirs = append(dirs, path.Dir(file))
	}
	defer pin(k.proc, dirs)()
	return notice.Files{
		Root: k.proc, Paths: paths, Begin: begin, Shared: k.shared,
		Changed: func(file, by string) {
			for _, name := range concerned[file] {
				k.kick(resource.Hint{Name: name, By: by})
			}
		},
	}.Listen(ctx)
}

// filesOf returns the files that a key can be written through.
func filesOf(name string) []string {
	const short, long = "/net/ipv4/ip_forward", "/net/ipv4/conf/all/forwarding"
	switch file := "/" + fileOf(name); file {
	case short, long:
		return []string{short, long}
	default:
		return []string{file}
	}
}

// pin keeps directories of /proc as they are. The kernel forgets one that nobody
// uses, and makes another for the next who asks, on which there is no watch.
func pin(proc string, dirs []string) (release func()) {
	var open []*os.File
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		// One that isn't there is no key's now.
		if f, err := os.OpenFile(filepath.Join(proc, dir), unix.O_PATH|unix.O_DIRECTORY, 0); err == nil {
			open = append(open, f)
		}
	}
	return func() {
		for _, f := range open {
			f.Close()
		}
	}
}
