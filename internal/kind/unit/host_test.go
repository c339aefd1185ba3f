package unit

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

	"vpnd/internal/lab/labtest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// onHost marks the process that runs on a host of the lab, of this name.
const onHost = "VPND_UNIT_HOST"

// TestUnitsOfARealHost boots a host and runs this test binary there: systemd
// talks only to processes that it can see.
func TestUnitsOfARealHost(t *testing.T) {
	if os.Getenv(onHost) != "" {
		inside(t)
		return
	}
	l := labtest.New(t)
	h, err := l.Host(t.Context(), "units")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Copy(t.Context(), self, "/root/unit.test"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	out, err := h.Run(ctx, "env", onHost+"=units", "/root/unit.test", "-test.run=^TestUnitsOfARealHost$", "-test.v")
	if err != nil || !strings.Contains(out, "--- PASS: TestUnitsOfARealHost ") {
		t.Errorf("on the host: %v\n%s", err, out)
	}
}

// A world is the host of the lab, seen from inside.
type world struct {
	*testing.T
	v Verbs
}

func (w world) write(name, text string) {
	w.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		w.Fatal(err)
	}
}

func (w world) run(line string) string {
	w.Helper()
	out, err := exec.CommandContext(w.Context(), "sh", "-c", line).CombinedOutput()
	if err != nil {
		w.Fatalf("%s: %v: %s", line, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (w world) service(name, lines string) {
	w.Helper()
	w.write(etc+"/"+name, "[Service]\n"+lines+"\n[Install]\nWantedBy=multi-user.target\n")
	w.run("systemctl daemon-reload")
}

func (w world) see(name string) *Unit {
	w.Helper()
	got, err := resourcetest.Observe(w.Context(), w.v, name)
	if err != nil {
		w.Fatal(err)
	}
	for _, f := range resource.Describe(&Unit{Enabled: got.Enabled, Active: got.Active, Dropins: got.Dropins, Reloads: got.Reloads, Own: got.Own}) {
		if f.After == "" {
			w.Errorf("%s of %s is not observed", f.Attribute, name)
		}
	}
	return got
}

func (w world) expect(name, want string) {
	w.Helper()
	if got := say(w.see(name)); got != want {
		w.Errorf("%s is %s, want %s", name, got, want)
	}
}

func say(u *Unit) string {
	var names []string
	for _, d := range u.Dropins {
		names = append(names, d.Name)
	}
	return fmt.Sprintf("enabled=%v active=%v dropins=%v", *u.Enabled, *u.Active, names)
}

// converge applies a wish twice and looks for what still differs.
func (w world) converge(name string, want Unit) {
	w.Helper()
	normal, err := w.v.Normalize(w.Context(), map[string]*Unit{name: &want})
	if err != nil {
		w.Fatal(err)
	}
	for range 2 {
		if err := resourcetest.Apply(w.Context(), w.v, name, w.see(name), *normal[name]); err != nil {
			w.Fatalf("%s: %v", name, err)
		}
		if diffs := resource.Compare(w.see(name), normal[name]); len(diffs) > 0 {
			w.Fatalf("%s still differs: %+v", name, diffs)
		}
	}
}

func (w world) refuse(name string, want Unit, text string) {
	w.Helper()
	err := resourcetest.Apply(w.Context(), w.v, name, w.see(name), want)
	if err == nil || err.Error() != text {
		w.Errorf("%s: got %v\nwant %s", name, err, text)
	}
}

var yes, no = resource.Ptr(true), resource.Ptr(false)

func dropin(name, text string) Dropin { return Dropin{Name: name, Content: &text} }

func inside(t *testing.T) {
	if name, err := os.Hostname(); err != nil || name != os.Getenv(onHost) {
		t.Fatalf("this is %s, %v, and no host of the lab", name, err)
	}
	for name, test := range map[string]func(world){
		"a whole life": life, "an instance": instance, "one that isn't there": missing, "one that dies": dying, "last words": lastWords,
		"a mask": mask, "one that can't be enabled": static, "drop-ins": dropins, "drop-ins of others": foreigners, "refresh": refresh,
		"a unit file of vpnd": own, "a drop-in that systemd refuses": refused,
		"an alias": alias, "one that leaves with its link": linked,
		"watching": watching, "a new systemd": reexecuted, "jobs of others": beside,
	} {
		// One after the other: they share systemd.
		t.Run(name, func(t *testing.T) {
			test(world{t, Verbs{Root: "/", Connect: Connect, Settle: 450 * time.Millisecond}})
		})
	}
}

// alias is another name of a unit, which goes where that is disabled: the unit ends all
// the same.
func alias(w world) {
	w.write(etc+"/real.service", "[Service]\nExecStart=sleep 1000\n[Install]\nWantedBy=multi-user.target\nAlias=another.service\n")
	w.run("systemctl daemon-reload; systemctl enable -q --now real")
	w.expect("another.service", "enabled=true active=true dropins=[]")
	w.converge("another.service", Unit{Enabled: no, Active: no})
	w.expect("real.service", "enabled=false active=false dropins=[]")
}

// linked is a unit whose file stands elsewhere, and that nobody knows any more once it
// is disabled.
func linked(w world) {
	w.write("/opt/linked.service", "[Service]\nExecStart=sleep 1000\n[Install]\nWantedBy=multi-user.target\n")
	w.run("systemctl enable -q --now /opt/linked.service")
	w.expect("linked.service", "enabled=true active=true dropins=[]")
	w.converge("linked.service", Unit{Enabled: no, Active: no})
	w.expect("linked.service", "enabled=false active=false dropins=[]")
}

func life(w world) {
	w.service("life.service", "ExecStart=sleep 1000")
	w.expect("life.service", "enabled=false active=false dropins=[]")
	first := w.see("life.service")
	w.converge("life.service", Unit{Enabled: no, Active: no})
	w.converge("life.service", Unit{Enabled: yes, Active: yes})
	w.expect("life.service", "enabled=true active=true dropins=[]")
	if state := w.run("systemctl is-enabled life; systemctl is-active life"); state != "enabled\nactive" {
		w.Error(state)
	}
	second := w.see("life.service")
	// Systemd itself takes it for enabled until it is asked to look again.
	w.run("rm " + etc + "/multi-user.target.wants/life.service")
	w.expect("life.service", "enabled=false active=true dropins=[]")
	w.converge("life.service", *second)
	w.converge("life.service", Unit{Active: no})
	w.expect("life.service", "enabled=true active=false dropins=[]")
	w.converge("life.service", *second)
	w.run("systemctl disable --now life")
	w.expect("life.service", "enabled=false active=false dropins=[]")
	w.converge("life.service", *second)
	w.converge("life.service", *first)
	w.expect("life.service", "enabled=false active=false dropins=[]")
}

func instance(w world) {
	w.expect("try@office.service", "enabled=false active=false dropins=[]")
	w.service("try@.service", "ExecStart=sleep 100%i")
	w.converge("try@1.service", Unit{Enabled: yes, Active: yes, Dropins: []Dropin{dropin("nice", "[Service]\nNice=5\n")}})
	w.expect("try@1.service", "enabled=true active=true dropins=[nice]")
	w.expect("try@2.service", "enabled=false active=false dropins=[]")
	if nice := w.run("ps -o ni= -p $(systemctl show -P MainPID try@1)"); strings.TrimSpace(nice) != "5" {
		w.Errorf("runs with nice %s", nice)
	}
	w.converge("try@1.service", Unit{Enabled: no, Active: no, Dropins: []Dropin{}})
}

func missing(w world) {
	w.expect("nowhere.service", "enabled=false active=false dropins=[]")
	w.converge("nowhere.service", Unit{Enabled: no, Active: no})
	w.refuse("nowhere.service", Unit{Active: yes}, "there is no unit nowhere.service on this host; install the package that brings it, with a package block that this one names in depends_on, or see the spelling")
	if err := resourcetest.Remove(w.Context(), w.v, "nowhere.service"); err != nil {
		w.Error(err)
	}
	// Written after systemd looked: nobody told it.
	w.write(etc+"/late.service", "[Service]\nExecStart=sleep 1000\n")
	w.converge("late.service", Unit{Active: yes})
	w.converge("late.service", Unit{Active: no})
}

func dying(w world) {
	w.service("false.service", "ExecStart=false")
	w.refuse("false.service", Unit{Active: yes}, "it was started and did not stay up: it is failed (failed), result exit-code after 0 restarts; see: journalctl -u false.service")
	w.expect("false.service", "enabled=false active=false dropins=[]")
	w.service("slow.service", "ExecStart=sh -c 'sleep 0.3; exit 3'")
	w.refuse("slow.service", Unit{Active: yes}, "it was started and did not stay up: it is failed (failed), result exit-code after 0 restarts; see: journalctl -u slow.service")
	w.service("loop.service", "ExecStart=sh -c 'sleep 0.1; exit 3'\nRestart=always\nRestartSec=10ms\nStartLimitBurst=1000")
	err := resourcetest.Apply(w.Context(), w.v, "loop.service", w.see("loop.service"), Unit{Active: yes})
	if err == nil || !strings.HasPrefix(err.Error(), "it was started and did not stay up: ") {
		w.Errorf("a loop passes for a unit that stays: %v", err)
	}
	w.converge("loop.service", Unit{Active: no})
	w.service("fork.service", "Type=forking\nExecStart=false")
	w.refuse("fork.service", Unit{Active: yes}, `starting it: the job ended with "failed", and the unit is failed (failed), result exit-code; see: journalctl -u fork.service`)
	w.service("once.service", "Type=oneshot\nExecStart=true")
	w.refuse("once.service", Unit{Active: yes}, "it was started and did not stay up: it is inactive (dead) after 0 restarts; see: journalctl -u once.service; it is a oneshot that ends by design, so leave active out")
	// It failed too often for systemd, which is not the last word.
	w.service("often.service", "ExecStart=test -e /run/good\nRemainAfterExit=yes\nRestart=no")
	w.run("for i in 1 2 3 4 5 6 7; do systemctl start often || :; done")
	w.run("touch /run/good")
	if why := *w.see("often.service").Failed; why != "with result exit-code after 0 restarts by systemd, which starts it no more" {
		w.Errorf("failed: %q", why)
	}
	w.converge("often.service", Unit{Active: yes})
	if why := *w.see("often.service").Failed; why != "" {
		w.Errorf("runs, and yet it failed: %q", why)
	}
	// Nor is it where it was stopped and started too often, and did not fail.
	w.run("for i in 1 2 3 4; do systemctl stop often; systemctl start often; done; systemctl stop often")
	w.converge("often.service", Unit{Active: yes})
}

// lastWords are those in the journal and in the log of the program itself, of
// this start and no other.
func lastWords(w world) {
	const stayed = "it was started and did not stay up: it is failed (failed), result exit-code after 0 restarts; see: journalctl -u words.service"
	w.v.Journal = Journal
	w.service("words.service", "ExecStart=sh -c 'for i in 1 2 3 4 5 6 7; do echo line $$i; done; echo Options error: no such digest >&2; exit 1'")
	w.refuse("words.service", Unit{Active: yes}, stayed+"\nIts last words:\n  line 3\n  line 4\n  line 5\n  line 6\n  line 7\n  Options error: no such digest")
	w.service("words.service", "ExecStart=sh -c 'echo to the log >>/var/log/words.log; exit 1'")
	w.write("/var/log/words.log", "of yesterday\n")
	w.refuse("words.service", Unit{Active: yes, Log: resource.Ptr("/var/log/words.log")}, stayed+"\nIts last words:\n  to the log")
	w.service("words.service", "ExecStart=false")
	w.refuse("words.service", Unit{Active: yes, Log: resource.Ptr("/var/log/none.log")}, stayed)
}

func mask(w world) {
	w.write("/usr/lib/systemd/system/masked.service", "[Service]\nExecStart=sleep 1000\n[Install]\nWantedBy=multi-user.target\n")
	w.run("systemctl daemon-reload; systemctl mask masked; systemctl mask --runtime masked")
	w.expect("masked.service", "enabled=false active=false dropins=[]")
	w.refuse("masked.service", Unit{Active: yes}, "the unit is masked, and so can't be started; add enabled = true, which lifts the mask, or run: systemctl unmask masked.service")
	w.converge("masked.service", Unit{Enabled: no, Active: no})
	if state := w.run("systemctl is-enabled masked || :"); state != "masked" {
		w.Errorf("the operator's mask is gone: %s", state)
	}
	w.converge("masked.service", Unit{Enabled: yes, Active: yes})
	w.run("systemctl mask --now masked")
	seen, err := w.v.Observe(w.Context(), map[string]*Unit{"masked.service": {Enabled: yes}})
	if err != nil {
		w.Fatal(err)
	}
	before := seen["masked.service"]
	if *before.Masked != maskLifted {
		w.Errorf("a plan does not tell of the mask, but %q", *before.Masked)
	}
	w.converge("masked.service", Unit{Enabled: yes, Active: yes})
	given := resource.Lasting(before).(*Unit)
	if err := resourcetest.Apply(w.Context(), w.v, "masked.service", w.see("masked.service"), *given); err != nil {
		w.Fatal(err)
	}
	if state := w.run("systemctl is-enabled masked || :"); state != "masked" {
		w.Errorf("the operator's mask is not given back: %s", state)
	}
}

func static(w world) {
	w.write(etc+"/static.service", "[Service]\nExecStart=sleep 1000\n")
	w.run("systemctl daemon-reload")
	w.converge("static.service", Unit{Enabled: no, Active: yes})
	w.refuse("static.service", Unit{Enabled: yes}, "the unit can't be enabled: its file has no [Install] section, so something else starts it; leave enabled out")
	w.service("runtime.service", "ExecStart=sleep 1000")
	w.run("systemctl enable --runtime runtime")
	w.expect("runtime.service", "enabled=false active=false dropins=[]")
	w.converge("runtime.service", Unit{Enabled: yes})
}

func dropins(w world) {
	w.service("drop.service", "ExecStart=sleep 1000")
	const theirs = "[Service]\nNice=1\n"
	w.write(directory("drop.service")+"/10-mine.conf", theirs)
	w.write(directory("drop.service")+"/theirs.conf", theirs)
	w.run("chown 7:8 " + directory("drop.service") + "/10-mine.conf; systemctl daemon-reload")
	before := w.run("cd " + directory("drop.service") + " && stat -c '%n %u %g %a' * && cat *")
	w.expect("drop.service", "enabled=false active=false dropins=[]")
	first := w.see("drop.service")
	if others := *first.Others; others != directory("drop.service")+"/10-mine.conf, "+directory("drop.service")+"/theirs.conf" {
		w.Errorf("drop-ins of others: %s", others)
	}
	first.OtherDropins = nil // they aren't managed, and so no undo wishes for them
	wish := Unit{Active: yes, Dropins: []Dropin{dropin("20-more", "[Service]\nNice=3"), dropin("10-mine", "[Service]\nNice=2\n")}}
	w.converge("drop.service", wish)
	w.expect("drop.service", "enabled=false active=true dropins=[10-mine 20-more]")
	if got := w.run("cat " + file("drop.service", "20-more")); got != "# Made by vpnd for the unit drop.service; edits are undone. Change /etc/vpnd instead.\n[Service]\nNice=3" {
		w.Error(got)
	}
	// Somebody edits one, with and without our line.
	w.run("echo Nice=9 >> " + file("drop.service", "20-more"))
	w.converge("drop.service", wish)
	w.run("echo '[Service]' > " + file("drop.service", "20-more") + "; rm " + file("drop.service", "10-mine"))
	w.expect("drop.service", "enabled=false active=true dropins=[]")
	w.converge("drop.service", wish)
	w.run("rm " + file("drop.service", "20-more") + saved)
	pid := w.run("systemctl show -P MainPID drop")
	w.converge("drop.service", wish)
	if again := w.run("systemctl show -P MainPID drop"); again != pid {
		w.Error("restarted although nothing changed")
	}
	w.converge("drop.service", Unit{Dropins: wish.Dropins[:1]})
	if again := w.run("systemctl show -P MainPID drop"); again == pid {
		w.Error("not restarted although a drop-in went")
	}
	killed := w.v
	killed.Connect = func(ctx context.Context) (Manager, error) {
		m, err := Connect(ctx)
		return dies{m}, err
	}
	running := w.run("systemctl show -P MainPID drop")
	if err := resourcetest.Apply(w.Context(), killed, "drop.service", nil, wish); err == nil {
		w.Error("the killed run ended well")
	}
	// They are in place, but the unit runs without them.
	w.expect("drop.service", "enabled=false active=true dropins=[vpnd-owed]")
	between := w.see("drop.service")
	between.OtherDropins = nil
	w.converge("drop.service", wish)
	if again := w.run("systemctl show -P MainPID drop"); again == running {
		w.Error("the restart that was owed was not made")
	}
	// What was seen in between is a wish for none.
	w.converge("drop.service", *between)
	w.expect("drop.service", "enabled=false active=true dropins=[]")
	w.converge("drop.service", wish)
	// And who takes them away and is killed is not done either.
	if err := resourcetest.Apply(w.Context(), killed, "drop.service", nil, *first); err == nil {
		w.Error("the killed run ended well")
	}
	if len(resource.Compare(w.see("drop.service"), &Unit{Dropins: []Dropin{}})) == 0 {
		w.Error("a restart is owed, and nothing is to be done")
	}
	w.converge("drop.service", *first)
	if after := w.run("cd " + directory("drop.service") + " && stat -c '%n %u %g %a' * && cat *"); after != before {
		w.Errorf("was\n%s\nis\n%s", before, after)
	}
}

// foreigners has the drop-ins of others managed.
func foreigners(w world) {
	const name, runs, takes = "else.service", "systemctl show -P MainPID else", "systemctl show -P Nice -P Description else"
	w.service(name, "ExecStart=sleep 1000")
	w.converge(name, Unit{Active: yes, OtherDropins: map[string]string{}})
	w.write(directory(name)+"/theirs.conf", "[Service]\nNice=4\n")
	w.write("/run/systemd/system/"+name+".d/more.conf", "[Unit]\nDescription=theirs\n")
	w.run("systemctl daemon-reload; systemctl restart else")
	if got := w.run(takes); got != "theirs\n4" && got != "4\ntheirs" {
		w.Errorf("they do not count: %s", got)
	}
	theirs := w.see(name)
	killed := w.v
	killed.Connect = func(ctx context.Context) (Manager, error) {
		m, err := Connect(ctx)
		return dies{m}, err
	}
	pid := w.run(runs)
	if err := resourcetest.Apply(w.Context(), killed, name, nil, Unit{OtherDropins: map[string]string{}}); err == nil {
		w.Error("the killed run ended well")
	}
	if now := w.run(runs); now != pid {
		w.Error("the killed run restarted it")
	}
	w.converge(name, Unit{OtherDropins: map[string]string{}})
	if now := w.run(runs); now == pid {
		w.Error("not restarted although they went")
	}
	if got := w.run(takes); strings.Contains(got, "theirs") || strings.Contains(got, "4") {
		w.Errorf("they still count: %s", got)
	}
	w.converge(name, *theirs)
	if got := w.run(takes); got != "theirs\n4" && got != "4\ntheirs" {
		w.Errorf("they did not come back: %s", got)
	}
	pid = w.run(runs)
	w.converge(name, *theirs)
	if now := w.run(runs); now != pid {
		w.Error("restarted although nothing changed")
	}
	w.run("systemctl stop else; systemctl revert else")
}

// dies is a systemd to which vpnd is cut off before a job.
type dies struct{ Manager }

func (dies) Run(context.Context, Job, string) (string, error) {
	return "", errors.New("killed")
}

func refresh(w world) {
	w.service("reloads.service", "ExecStart=sleep 1000\nExecReload=touch /run/reloaded")
	w.service("restarts.service", "ExecStart=sleep 1000")
	pid := func(name string) string { return w.run("systemctl show -P MainPID " + name) }
	refresh := func(name string, want Unit, how resource.Effect) {
		w.Helper()
		if err := w.v.Refresh(w.Context(), name, want, how); err != nil {
			w.Error(err)
		}
	}
	// Neither runs nor shall run.
	refresh("reloads.service", Unit{}, resource.Restart)
	refresh("nowhere.service", Unit{Active: no}, resource.Restart)
	w.expect("reloads.service", "enabled=false active=false dropins=[]")
	refresh("reloads.service", Unit{Active: yes}, resource.Reload)
	w.expect("reloads.service", "enabled=false active=true dropins=[]")
	w.converge("restarts.service", Unit{Active: yes})

	before := pid("reloads")
	if how := w.see("reloads.service").EffectOf(resource.Reload); how != resource.Reload {
		w.Errorf("foretells %s", how)
	}
	refresh("reloads.service", Unit{}, resource.Reload)
	w.run("test -e /run/reloaded")
	if pid("reloads") != before {
		w.Error("a reload restarted it")
	}
	refresh("reloads.service", Unit{}, resource.Restart)
	if pid("reloads") == before {
		w.Error("a restart did not restart it")
	}
	before = pid("restarts")
	if how := w.see("restarts.service").EffectOf(resource.Reload); how != resource.Restart {
		w.Errorf("foretells %s", how)
	}
	refresh("restarts.service", Unit{}, resource.Reload)
	if pid("restarts") == before {
		w.Error("what can't reload was not restarted")
	}
	w.run("sed -i s/1000/2000/ " + etc + "/restarts.service")
	before = pid("restarts")
	refresh("restarts.service", Unit{}, resource.None)
	if now := w.run("systemctl show -P NeedDaemonReload restarts"); now != "no" || pid("restarts") != before {
		w.Errorf("systemd has its files to read again: %s, or the unit was restarted", now)
	}
	w.run("sed -i s/2000/3000/ " + etc + "/restarts.service")
	refresh("restarts.service", Unit{}, resource.Restart)
	if line := w.run("ps -o args= -p $(systemctl show -P MainPID restarts)"); line != "sleep 3000" {
		w.Errorf("runs %s after its file changed", line)
	}
	w.service("restarts.service", "ExecStart=false")
	if err := w.v.Refresh(w.Context(), "restarts.service", Unit{}, resource.Restart); err == nil {
		w.Error("a restart into death passes")
	}
	if err := w.v.Refresh(w.Context(), "reloads.service", Unit{}, resource.Client); err == nil || err.Error() != "a unit can be reloaded or restarted as a whole, and not to the effect of client" {
		w.Error(err)
	}
}

func own(w world) {
	const file = mark + "for ssh_tunnel.db; edits are undone.\n[Service]\nExecStart=sleep 1000\n[Install]\nWantedBy=multi-user.target\n"
	w.write(etc+"/own.service", file)
	w.converge("own.service", Unit{Enabled: yes, Active: yes})
	if got := w.see("own.service"); !w.v.Marked("own.service", got) || !*got.Own {
		w.Error("not taken for vpnd's")
	}
	if got := w.see("ssh.service"); w.v.Marked("ssh.service", got) {
		w.Error("ssh.service is taken for vpnd's")
	}
	for range 2 {
		if err := resourcetest.Remove(w.Context(), w.v, "own.service"); err != nil {
			w.Fatal(err)
		}
	}
	w.expect("own.service", "enabled=false active=false dropins=[]")
	// Of others only the drop-ins go.
	w.service("theirs.service", "ExecStart=sleep 1000")
	w.converge("theirs.service", Unit{Enabled: yes, Active: yes, Dropins: []Dropin{dropin("nice", "[Service]\nNice=5\n")}})
	for range 2 {
		if err := resourcetest.Remove(w.Context(), w.v, "theirs.service"); err != nil {
			w.Fatal(err)
		}
	}
	w.expect("theirs.service", "enabled=true active=true dropins=[]")
	if left := w.run("ls -d " + directory("theirs.service") + " 2>/dev/null || :"); left != "" {
		w.Errorf("left %s", left)
	}
}

func refused(w world) {
	w.service("check@.service", "ExecStart=sleep 1000\nNoSuchKey=of-the-package")
	check := func(text string) string {
		w.Helper()
		return fmt.Sprint(w.v.Check(w.Context(), "check@office.service", Unit{Dropins: []Dropin{dropin("10-x", text)}}))
	}
	before := w.run("find /etc/systemd /run/systemd/system /tmp")
	if err := check("[Service]\nNice=5\n"); err != "<nil>" {
		w.Errorf("a good one: %s", err)
	}
	err := check("[Service]\nNize=5\n")
	if !strings.HasPrefix(err, "systemd would not accept the drop-in: check@office.service.d/10-x.conf:3: Unknown key") || strings.Contains(err, "NoSuchKey") {
		w.Errorf("an unknown key: %s", err)
	}
	if err := check("[Service]\nExecStart=\nExecStart=/no/such/program\n"); !strings.Contains(err, "/no/such/program is not executable") {
		w.Errorf("a program that isn't there: %s", err)
	}
	if after := w.run("find /etc/systemd /run/systemd/system /tmp"); after != before {
		w.Errorf("checking left\n%s\nof\n%s", after, before)
	}
	if err := w.v.Check(w.Context(), "nowhere.service", Unit{Dropins: []Dropin{dropin("x", "[Service]\nNize=5\n")}}); err != nil {
		w.Errorf("a unit that isn't there yet: %v", err)
	}
}

// beside has somebody restart and stop a unit that is slow to end, while vpnd
// looks at it and wants it to run: nobody's job is cancelled, a restart is not
// seen as an end, and a stop is put right after it.
func beside(w world) {
	const name = "slow.service"
	w.service(name, "ExecStart=sleep 1000\nExecStop=sleep 1")
	w.converge(name, Unit{Active: yes})
	others := func(job string) (end func() error) {
		c := exec.CommandContext(w.Context(), "systemctl", job, name)
		if err := c.Start(); err != nil {
			w.Fatal(err)
		}
		w.run("for i in $(seq 100); do test $(systemctl show -P ActiveState " + name + ") = deactivating && exit; sleep 0.01; done; exit 1")
		return c.Wait
	}
	pid := w.run("systemctl show -P MainPID " + name)
	end := others("restart")
	w.expect(name, "enabled=false active=true dropins=[]")
	if err := end(); err != nil {
		w.Errorf("systemctl restart: %v", err)
	}
	if now := w.run("systemctl show -P MainPID " + name); now == pid {
		w.Error("it was not restarted")
	}
	for _, job := range []string{"restart", "stop"} {
		end := others(job)
		if err := resourcetest.Apply(w.Context(), w.v, name, nil, Unit{Active: yes}); err != nil {
			w.Errorf("beside systemctl %s: %v", job, err)
		}
		if err := end(); err != nil {
			w.Errorf("systemctl %s: %v", job, err)
		}
		w.expect(name, "enabled=false active=true dropins=[]")
	}
	w.run("systemctl stop " + name)
}
