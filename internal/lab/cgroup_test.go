package lab

import (
	"slices"
	"testing"
)

func TestHierarchies(t *testing.T) {
	for name, c := range map[string]struct {
		memberships, mounts string
		want                []string
	}{
		"unified": {
			"0::/user.slice/session-1.scope\n",
			"30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
			[]string{"/sys/fs/cgroup/user.slice/session-1.scope"},
		},
		"hybrid": {
			"4:memory:/elsewhere\n1:name=systemd:/init.scope\n0::/init.scope\n",
			"35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
				"40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n" +
				"41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
			[]string{"/sys/fs/cgroup/systemd/init.scope", "/sys/fs/cgroup/unified/init.scope"},
		},
		"none": {"4:memory:/\n", "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", nil},
	} {
		if got := hierarchies(c.memberships, c.mounts); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
