package unit

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"vpnd/internal/atomic"
	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// Watch hears of units that start and end, from systemd, and of their files.
func (v Verbs) Watch(ctx context.Context, names []string, kick func(resource.Hint)) error {
	begin := func() { kick(resource.Hint{}) }
	files := func(ctx context.Context, begin func()) error { return v.watchFiles(ctx, names, begin, kick) }
	if v.Connect == nil {
		return files(ctx, begin)
	}
	return notice.Together(ctx, begin, files, func(ctx context.Context, begin func()) error {
		return v.watchSystemd(ctx, names, begin, kick)
	})
}

// search is where unit files and drop-ins are, and the links that enable units,
// as far as people and packages write there; systemd.unit(5). On a host that
// has merged them the last two are one.
var search = []string{etc, "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// watchFiles hears of changes of unit files, drop-ins and enabling links. The
// directories of such links come and go.
func (v Verbs) watchFiles(ctx context.Context, names []string, begin func(), kick func(resource.Hint)) error {
	for {
		inner, renew := context.WithCancel(ctx)
		links, err := v.linkDirectories()
		if err != nil {
			renew()
			return err
		}
		concerned := filesOf(names, links)
		paths := []string{etc + "/"}
		for file := range concerned {
			paths = append(paths, file)
		}
		err = notice.Files{
			Root: v.Root, Paths: paths, Begin: begin, Shared: v.Shared,
			Changed: func(file, by string) {
				if file != etc+"/" {
					kick(resource.Hint{Name: concerned[file], By: by})
				} else if now, err := v.linkDirectories(); err == nil && !slices.Equal(now, links) {
					renew()
				}
			},
		}.Listen(inner)
		renew()
		if err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// filesOf returns whose each file is; the name is empty where it is of several
// instances.
func filesOf(names, links []string) map[string]string {
	concerned := make(map[string]string)
	add := func(file, name string) {
		if other, ok := concerned[file]; ok && other != name {
			name = ""
		}
		concerned[file] = name
	}
	for _, name := range names {
		for _, file := range []string{name, template(name)} {
			for _, dir := range search {
				add(path.Join(dir, file), name)
				add(path.Join(dir, file+".d")+"/", name)
			}
			for _, dir := range dropinDirs {
				add(path.Join(dir, file+".d")+"/", name)
			}
		}
		for _, dir := range links {
			add(path.Join(dir, name), name)
		}
	}
	return concerned
}

// template returns the file of which the unit is an instance, or its own name.
func template(name string) string {
	prefix, rest, ok := strings.Cut(name, "@")
	if !ok {
		return name
	}
	return prefix + "@" + path.Ext(rest)
}

// linkDirectories lists the directories in which links enable units.
func (v Verbs) linkDirectories() ([]string, error) {
	names, err := atomic.List(v.Root, etc)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", etc, err)
	}
	var dirs []string
	for _, name := range names {
		if slices.Contains([]string{".wants", ".requires", ".upholds"}, path.Ext(name)) {
			dirs = append(dirs, path.Join(etc, name))
		}
	}
	slices.Sort(dirs)
	return dirs, nil
}
