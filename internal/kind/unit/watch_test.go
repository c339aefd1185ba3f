package unit

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vpnd/internal/notice/noticetest"
	"vpnd/internal/resource"
)

// watching runs on a host of the lab.
func watching(w world) {
	w.service("heard.service", "ExecStart=sleep 1000\nRestart=no")
	w.service("other.service", "ExecStart=sleep 1000")
	w.service("many@.service", "ExecStart=sleep 1000")
	w.write(etc+"/alias.service", "[Service]\nExecStart=sleep 1000\n[Install]\nAlias=called.service\n")
	w.run("systemctl daemon-reload; systemctl enable alias")
	const name, link = "heard.service", etc + "/multi-user.target.wants/heard.service"
	ear := noticetest.Listen(w.T, w.v, name, "many@a.service", "called.service", "missing.service")
	for _, c := range []struct{ line, name string }{
		{"systemctl start heard", name},
		{"systemctl stop heard", name},
		{"systemctl start heard; systemctl kill -s KILL heard", name},
		{"systemctl enable heard", name},
		{"rm " + link, name},
		{"ln -s ../heard.service " + link, name},
		{"systemctl disable heard", name},
		{"systemctl mask --runtime heard", name},
		{"systemctl unmask --runtime heard", name},
		{"mkdir " + etc + "/heard.service.d", name},
		{"echo '[Service]' >" + etc + "/heard.service.d/x.conf", name},
		{"rm -r " + etc + "/heard.service.d", name},
		{"mkdir -p /run/systemd/system/heard.service.d", name},
		{"echo '[Unit]' >/run/systemd/system/heard.service.d/x.conf", name},
		{"rm -r /run/systemd/system/heard.service.d", name},
		{"systemctl set-property --runtime heard.service CPUWeight=50", name},
		{"rm -r /run/systemd/system.control/heard.service.d", name},
		{"echo >>" + etc + "/heard.service", name},
		{"systemctl start many@a", "many@a.service"},
		{"touch " + etc + "/many@.service", "many@a.service"},
		{"systemctl stop many@a", "many@a.service"},
		{"systemctl start alias", "called.service"},
		{"systemctl stop alias", "called.service"},
		{"mkdir " + etc + "/new.target.wants", ""}, // where a unit may be enabled next
		{"ln -s ../heard.service " + etc + "/new.target.wants/heard.service", name},
		{"systemctl daemon-reload", ""},
	} {
		ear.Settle()
		w.run(c.line)
		ear.Hear(c.name)
	}
	ear.Quiet(func() {
		w.run("systemctl start other; systemctl stop other; systemctl status heard; systemctl show missing")
		w.write(etc+"/other.service.d/x.conf", "")
		w.see(name)
	})
	w.service("missing.service", "ExecStart=sleep 1000")
	ear.Hear("missing.service")
	ear.Delay(20, 100*time.Millisecond, func(i int) {
		w.run([]string{"systemctl start heard", "systemctl stop heard"}[i%2])
	})
}

// reexecuted runs on a host of the lab.
func reexecuted(w world) {
	w.service("heard.service", "ExecStart=sleep 1000")
	ctx, cancel := context.WithTimeout(w.Context(), 20*time.Second)
	defer cancel()
	var again sync.Once
	err := w.v.Watch(ctx, []string{"heard.service"}, func(resource.Hint) {
		again.Do(func() { w.run("systemctl daemon-reexec") })
	})
	if err == nil || !strings.HasPrefix(err.Error(), "systemd closed the connection") {
		w.Errorf("systemd was executed anew: %v", err)
	}
	noticetest.Listen(w.T, w.v, "heard.service").Quiet(func() {})
}

func TestFilesOfAnImageAreHeard(t *testing.T) {
	root := t.TempDir()
	dropin := filepath.Join(root, etc, "a.service.d")
	if err := os.MkdirAll(dropin, 0o755); err != nil {
		t.Fatal(err)
	}
	ear := noticetest.Listen(t, Verbs{Root: root}, "a.service")
	ear.Delay(20, 50*time.Millisecond, func(int) {
		if err := os.WriteFile(filepath.Join(dropin, "x.conf"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	noticetest.Idle(t, Verbs{Root: root}, "a.service")
}
