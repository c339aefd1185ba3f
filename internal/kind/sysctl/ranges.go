package sysctl

import (
	"strconv"
	"strings"
)

// ranges are what the kernel takes for numbers of the whole host, which can't be
// tried without being set: the widest of Linux 5.4 to 6.12, from the kernel's
// documentation (admin-guide/sysctl) and its tables. What is not in here is found
// when it is written.
var ranges = map[string][2]int64{
	"fs/protected_fifos":               {0, 2},
	"fs/protected_hardlinks":           {0, 1},
	"fs/protected_regular":             {0, 2},
	"fs/protected_symlinks":            {0, 1},
	"fs/suid_dumpable":                 {0, 2},
	"kernel/dmesg_restrict":            {0, 1},
	"kernel/kptr_restrict":             {0, 2},
	"kernel/perf_cpu_time_max_percent": {0, 100},
	"kernel/pid_max":                   {301, 4194304},
	"kernel/timer_migration":           {0, 1},
	"kernel/unprivileged_bpf_disabled": {0, 2},
	"kernel/yama/ptrace_scope":         {0, 3},
	"vm/compaction_proactiveness":      {0, 100},
	"vm/dirty_background_ratio":        {0, 100},
	"vm/dirty_ratio":                   {0, 100},
	"vm/overcommit_memory":             {0, 2},
	"vm/panic_on_oom":                  {0, 2},
	"vm/swappiness":                    {0, 200},
}

// fits says whether numbers are in the range of their key. What no key holds is
// in none.
func fits(name string, words []string) bool {
	r, known := ranges[fileOf(name)]
	for _, word := range words {
		if strings.ContainsAny(word, ",") || strings.Contains(strings.TrimPrefix(word, "-"), "-") {
			continue // a list, or a range of ports
		}
		if _, err := strconv.ParseUint(strings.TrimPrefix(word, "-"), 0, 64); err != nil {
			return false
		}
		if n, err := strconv.ParseInt(word, 0, 64); known && (err != nil || n < r[0] || n > r[1]) {
			return false
		}
	}
	return true
}
