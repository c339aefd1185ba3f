package sysctl

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWinnerAtBoot(t *testing.T) {
	const name = "net.ipv4.conf.all.rp_filter"
	for title, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nobody":                 {nil, ""},
		"sorts before":           {map[string]string{"/etc/sysctl.d/99-sysctl.conf": name + " = 0\n"}, ""},
		"sorts behind":           {map[string]string{"/etc/sysctl.d/zzz.conf": "net/ipv4/conf/all/rp_filter=0\n"}, "/etc/sysctl.d/zzz.conf"},
		"sorts behind elsewhere": {map[string]string{"/usr/lib/sysctl.d/zzz.conf": "-" + name + "=0\n"}, "/usr/lib/sysctl.d/zzz.conf"},
		"same value":             {map[string]string{"/etc/sysctl.d/zzz.conf": name + " = 1\n"}, ""},
		"the last counts":        {map[string]string{"/etc/sysctl.d/zzz.conf": name + "=0\n", "/usr/lib/sysctl.d/zzzz.conf": name + "=1\n"}, ""},
		"masked by name":         {map[string]string{"/etc/sysctl.d/zzz.conf": "", "/usr/lib/sysctl.d/zzz.conf": name + "=0\n"}, ""},
		"a pattern never wins":   {map[string]string{"/etc/sysctl.d/zzz.conf": "net.ipv4.conf.*.rp_filter=0\n"}, ""},
		"a comment":              {map[string]string{"/etc/sysctl.d/zzz.conf": "# " + name + "=0\n; " + name + "=0\n\n-" + name + "\n"}, ""},
		"no .conf":               {map[string]string{"/etc/sysctl.d/zzz.conf.bak": name + "=0\n"}, ""},
		"sysctl.conf":            {map[string]string{"/etc/sysctl.conf": name + "=0\n"}, ""},
	} {
		t.Run(title, func(t *testing.T) {
			v := image(t)
			for file, text := range c.files {
				put(t, v.Root, file, text)
			}
			winnerIs(t, v, name, c.want)
		})
	}
	t.Run("sysctl.conf without systemd", func(t *testing.T) {
		v := image(t)
		if err := os.Remove(filepath.Join(v.Root, "/usr/lib/systemd/systemd-sysctl")); err != nil {
			t.Fatal(err)
		}
		put(t, v.Root, "/etc/sysctl.conf", name+"=0\n")
		winnerIs(t, v, name, "/etc/sysctl.conf")
	})
	t.Run("links", func(t *testing.T) {
		v := image(t)
		put(t, v.Root, "/etc/local", name+"=0\n")
		put(t, v.Root, "/usr/lib/sysctl.d/zzy.conf", name+"=0\n")
		for link, target := range map[string]string{"zzz.conf": "/etc/local", "zzx.conf": "zzx.conf", "zzy.conf": "/dev/null"} {
			if err := os.Symlink(target, filepath.Join(v.Root, "etc/sysctl.d", link)); err != nil {
				t.Fatal(err)
			}
		}
		winnerIs(t, v, name, "/etc/sysctl.d/zzz.conf")
	})
}

// winnerIs applies the value 1: whoever wins, the host is as wished then.
func winnerIs(t *testing.T, v Verbs, name, want string) {
	t.Helper()
	if err := apply(t, v, [2]string{name, "1"}); err != nil {
		t.Fatal(err)
	}
	if got := look(t, v, name); *got.Overridden != want {
		t.Errorf("observed %q as the winner, want %q", *got.Overridden, want)
	}
	one := wish("1")
	normal, err := v.Normalize(t.Context(), map[string]*Sysctl{name: &one})
	if err != nil || *normal[name].Overridden != want {
		t.Errorf("the wish names %q as the winner, want %q; %v", *normal[name].Overridden, want, err)
	}
}
