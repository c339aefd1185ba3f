package pkg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// repository makes packages that hold nothing, and puts them on the host as its
// only source of packages.
func repository(t *testing.T, h *lab.Host) {
	t.Helper()
	directory := t.TempDir()
	for _, control := range []string{
		"Package: vpnd-alpha\nVersion: 1.0-1\n",
		"Package: vpnd-alpha\nVersion: 2.0-1\nConflicts: vpnd-gamma\n",
		"Package: vpnd-beta\nVersion: 1.0\nDepends: vpnd-alpha\nRecommends: vpnd-gamma\n",
		"Package: vpnd-gamma\nVersion: 1.0\n",
		"Package: vpnd-xbetay\nVersion: 1.0\n",
	} {
		tree := t.TempDir()
		must(t, os.MkdirAll(filepath.Join(tree, "DEBIAN"), 0o755))
		control += "Architecture: all\nMaintainer: nobody <nobody@example.com>\nDescription: nothing\n"
		must(t, os.WriteFile(filepath.Join(tree, "DEBIAN/control"), []byte(control), 0o644))
		if out, err := exec.Command("dpkg-deb", "--root-owner-group", "--build", tree, directory).CombinedOutput(); err != nil {
			t.Fatalf("dpkg-deb: %v: %s", err, out)
		}
	}
	index(t, directory)
	entries, err := os.ReadDir(directory)
	must(t, err)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(directory, e.Name()))
		must(t, err)
		must(t, h.WriteFile(t.Context(), "/srv/packages/"+e.Name(), data, 0o644))
	}
	_, err = h.Run(t.Context(), "sh", "-c", "rm -rf /etc/apt/sources.list* /var/lib/apt/lists/*")
	must(t, err)
	must(t, h.WriteFile(t.Context(), "/etc/apt/sources.list", []byte("deb [trusted=yes] file:/srv/packages ./\n"), 0o644))
}

// index writes the list of packages as deb822(5).
func index(t *testing.T, directory string) {
	t.Helper()
	var list strings.Builder
	files, err := filepath.Glob(filepath.Join(directory, "*.deb"))
	must(t, err)
	for _, file := range files {
		control, err := exec.Command("dpkg-deb", "--field", file).Output()
		must(t, err)
		sum, err := exec.Command("sha256sum", file).Output()
		must(t, err)
		info, err := os.Stat(file)
		must(t, err)
		fmt.Fprintf(&list, "%sFilename: ./%s\nSize: %d\nSHA256: %s\n\n", control, filepath.Base(file), info.Size(), strings.Fields(string(sum))[0])
	}
	must(t, os.WriteFile(filepath.Join(directory, "Packages"), []byte(list.String()), 0o644))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// on runs what the verbs run on the host of the lab. Its database is found
// where this machine, which is a Debian too, has its own.
func on(h *lab.Host) Verbs {
	return Verbs{Root: "/", Run: func(ctx context.Context, argv ...string) (Result, error) {
		out, err := h.Run(ctx, append([]string{"env", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"}, argv...)...)
		var exit *lab.ExitError
		if errors.As(err, &exit) {
			return Result{Status: exit.Status, Stdout: exit.Stdout, Stderr: exit.Stderr}, nil
		}
		return Result{Stdout: out}, err
	}}
}

func TestPackagesOfARealHost(t *testing.T) {
	l := labtest.New(t)
	h, err := l.Host(t.Context(), "packages")
	must(t, err)
	repository(t, h)
	v := on(h)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	observe := func(name string) string {
		t.Helper()
		got, err := resourcetest.Observe(ctx, v, name)
		must(t, err)
		return say(got)
	}
	expect := func(name, want string) {
		t.Helper()
		if got := observe(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	yes, no := resource.Ptr(true), resource.Ptr(false)
	apply := func(name string, want Package) error {
		t.Helper()
		got, err := resourcetest.Observe(ctx, v, name)
		must(t, err)
		return resourcetest.Apply(ctx, v, name, got, want)
	}
	// Twice, since what is as wished must stay so.
	converge := func(name string, want Package) {
		t.Helper()
		for range 2 {
			must(t, apply(name, want))
			got, err := resourcetest.Observe(ctx, v, name)
			must(t, err)
			if diffs := resource.Compare(got, &want); len(diffs) > 0 {
				t.Fatalf("%s still differs: %+v", name, diffs)
			}
		}
	}

	expect("vpnd-alpha", `false ""`)
	converge("vpnd-alpha", Package{Installed: no})
	converge("vpnd-alpha", Package{Installed: yes, Version: resource.Ptr("1.0-1")})
	first, err := resourcetest.Observe(ctx, v, "vpnd-alpha")
	must(t, err)
	converge("vpnd-alpha", Package{Installed: yes})
	expect("vpnd-alpha", `true "1.0-1"`)
	converge("vpnd-alpha", Package{Installed: yes, Version: resource.Ptr("2.0-1")})
	converge("vpnd-alpha", *first)
	expect("vpnd-alpha", `true "1.0-1"`)

	converge("vpnd-beta", Package{Installed: yes})
	expect("vpnd-gamma", `false ""`) // only recommended
	if err := apply("vpnd-alpha", Package{Installed: no}); err == nil || err.Error() != "vpnd-beta would go with it; remove those first, or keep the package" {
		t.Errorf("removing what another needs: %v", err)
	}
	expect("vpnd-beta", `true "1.0"`)

	converge("vpnd-gamma", Package{Installed: yes})
	if err := apply("vpnd-alpha", Package{Version: resource.Ptr("2.0-1")}); err == nil || !strings.Contains(err.Error(), "Packages need to be removed but remove is disabled") {
		t.Errorf("installing what pushes another out: %v", err)
	}
	expect("vpnd-gamma", `true "1.0"`)

	// To apt-get it is a pattern that fits vpnd-xbetay.
	if err := apply("vpnd-.betay", Package{Installed: yes}); err == nil || err.Error() != "no source of packages has it; see its spelling and the sources in /etc/apt" {
		t.Errorf("installing a pattern: %v", err)
	}
	expect("vpnd-xbetay", `false ""`)

	for _, name := range []string{"vpnd-beta", "vpnd-gamma", "vpnd-alpha"} {
		must(t, resourcetest.Remove(ctx, v, name))
		must(t, resourcetest.Remove(ctx, v, name))
		expect(name, `false ""`)
	}
}
