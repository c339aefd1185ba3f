package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"regexp"
	"slices"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/notice"
	"vpnd/internal/resource"
	"vpnd/internal/systemd"
)

// Admission is what sshd makes of an account for tunnels. Its name is the account's.
// What vpnd tells sshd is one thing; whether a file of somebody else says otherwise,
// and first, is another.
type Admission struct {
	Expect     []string `vpnd:"expect,hint" doc:"what sshd -T has to say of the account, a keyword of sshd_config(5) in small letters and its value"`
	Deviations []string `vpnd:"deviations,computed,glance" words:"sshd does otherwise" doc:"what sshd makes of it that differs"`
}

// AdmissionTraits are what admissions are. There is nothing on the host to take away.
var AdmissionTraits = resource.Traits{Keeps: true, NeedsHost: true}

// Validate says what is wrong with the block.
func (a *Admission) Validate(name string) []resource.Mistake {
	if !accountForm.MatchString(name) {
		return []resource.Mistake{{Summary: fmt.Sprintf("%q is no name of an account", name), Hint: "write the label of an ssh_tunnel_account"}}
	}
	return nil
}

// Admissions are the verbs of the kind ssh_admission.
type Admissions struct {
	Shared *notice.Shared // with other watchers; nil is nothing, and nobody is named
}

// Normalize asks for no deviation.
func (Admissions) Normalize(_ context.Context, wants map[string]*Admission) (map[string]*Admission, error) {
	normal := make(map[string]*Admission, len(wants))
	for name, want := range wants {
		w := *want
		w.Deviations = []string{}
		normal[name] = &w
	}
	return normal, nil
}

// Observe asks sshd. Where there is none, or no such account, there is no admission.
func (Admissions) Observe(ctx context.Context, wants map[string]*Admission) (map[string]*Admission, error) {
	names, err := atomic.ReadNames("/")
	if err != nil {
		return nil, err
	}
	return resource.ObserveEach(ctx, wants, func(name string, want *Admission) (*Admission, error) {
		program, err := sshd()
		if err != nil {
			return nil, nil
		}
		if _, err := names.UID(name); err != nil {
			return nil, nil
		}
		if want == nil {
			return &Admission{Deviations: []string{}}, nil
		}
		said, err := ask(ctx, program, "-T", "-C", "user="+name+",host=localhost,addr=127.0.0.1,laddr=127.0.0.1,lport=22")
		if err != nil {
			return nil, err
		}
		return &Admission{Deviations: deviations(name, groupsOf(name), want.Expect, said)}, nil
	})
}

// groupsOf are the groups of an account, that of its own name among them.
func groupsOf(name string) []string {
	groups := []string{name}
	account, err := user.Lookup(name)
	if err != nil {
		return groups
	}
	ids, _ := account.GroupIds()
	for _, id := range ids {
		if g, err := user.LookupGroupId(id); err == nil {
			groups = append(groups, g.Name)
		}
	}
	return groups
}

// named says whether one of the names is in a list of patterns of sshd_config(5),
// PATTERNS. USER@HOST is about some of the hosts, which somewhere is enough for.
func named(patterns, names []string, somewhere bool) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		pattern, _, some := strings.Cut(pattern, "@")
		quoted := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
		fits, err := regexp.Compile("^" + quoted + "$")
		return err == nil && (somewhere || !some) && slices.ContainsFunc(names, fits.MatchString)
	})
}

// deviations compares what sshd -T says with what is expected.
func deviations(name string, groups, expect []string, said string) []string {
	is := make(map[string]string)
	for line := range strings.Lines(said) {
		keyword, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		is[keyword] = strings.TrimSpace(is[keyword] + " " + value) // some come a line a value
	}
	all := []string{}
	for _, e := range expect {
		keyword, value, _ := strings.Cut(e, " ")
		got, told := is[keyword]
		if !told || same(got, value) {
			continue
		}
		all = append(all, fmt.Sprintf("%s is %s and not %s", keyword, got, value))
	}
	for _, list := range []struct {
		of    string
		names []string
	}{{"users", []string{name}}, {"groups", groups}} {
		if allow := is["allow"+list.of]; allow != "" && !named(strings.Fields(allow), list.names, true) {
			all = append(all, fmt.Sprintf("allow%s lets %s in and not %s", list.of, allow, name))
		}
		if deny := is["deny"+list.of]; named(strings.Fields(deny), list.names, false) {
			all = append(all, fmt.Sprintf("deny%s names %s: %s", list.of, name, deny))
		}
	}
	if is["usepam"] == "no" {
		all = append(all, "usepam is no, and sshd takes an account without a password for one that is locked")
	}
	if is["disableforwarding"] == "yes" {
		all = append(all, "disableforwarding is yes")
	}
	return all
}

// same says whether two values are one: lists in any order, and words that sshd has
// two of.
func same(got, want string) bool {
	a, b := strings.Fields(strings.ToLower(got)), strings.Fields(strings.ToLower(want))
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// Apply can't do more than to say what is in the way: the files of vpnd stand as they
// shall, and those of others are not vpnd's to change.
func (v Admissions) Apply(ctx context.Context, items []resource.Item[Admission]) error {
	return resource.ApplyEach(items, func(i resource.Item[Admission]) error {
		seen, err := v.Observe(ctx, map[string]*Admission{i.Name: &i.Want})
		if err != nil {
			return err
		}
		got := seen[i.Name]
		switch {
		case got == nil:
			return fmt.Errorf("there is no sshd on this host, or no account %s", i.Name)
		case len(got.Deviations) > 0:
			return fmt.Errorf("a file of somebody else comes before vpnd's: %s; see: sshd -T -C user=%s,host=localhost,addr=127.0.0.1, and the Match blocks below /etc/ssh/sshd_config.d", strings.Join(got.Deviations, "; "), i.Name)
		}
		return nil
	})
}

// Remove does nothing: it goes with its account.
func (Admissions) Remove(context.Context, []string) error { return nil }

// Refresh has sshd read its files again, which disconnects nobody; where keys or what
// they are good for changed, the tunnels of this account alone come in anew.
func (Admissions) Refresh(ctx context.Context, name string, _ Admission, how resource.Effect) error {
	if how <= resource.Rebuild {
		return nil
	}
	if err := reload(ctx); err != nil {
		return err
	}
	if how < resource.Client {
		return nil
	}
	argv := systemd.PKill("TERM", name)
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return nil // nobody is connected
	}
	if err != nil {
		return fmt.Errorf("ending the tunnels of %s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return nil
}

// services are what sshd is called by distributions.
var services = []string{"ssh.service", "sshd.service"}

// reload has every sshd that runs read its files again, once sshd itself has nothing
// against them: not every unit asks it, and one that reads a mistake ends. Where a
// socket starts one for each connection there is none to tell.
func reload(ctx context.Context) error {
	program, err := sshd()
	if err != nil {
		return err
	}
	if _, err := ask(ctx, program, "-t"); err != nil {
		return fmt.Errorf("sshd is not told to read its files, which it would not survive: %w", err)
	}
	conn, err := systemd.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	seen := make(map[string]bool)
	for _, service := range services {
		p, err := conn.GetUnitPropertiesContext(ctx, service)
		if err != nil {
			return fmt.Errorf("asking systemd for %s: %w", service, err)
		}
		id, _ := p["Id"].(string)
		if p["ActiveState"] != "active" || seen[id] {
			continue
		}
		seen[id] = true // one is an alias of the other
		if err := systemd.Done(ctx, func(ended chan<- string) (int, error) { return conn.ReloadUnitContext(ctx, service, "replace", ended) }); err != nil {
			return fmt.Errorf("reloading %s: %w", service, err)
		}
	}
	return nil
}

// sshd returns where it is.
func sshd() (string, error) {
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/usr/bin"} {
		if info, err := os.Stat(dir + "/sshd"); err == nil && info.Mode().IsRegular() {
			return dir + "/sshd", nil
		}
	}
	return "", errors.New("there is no sshd on this host; install the package openssh-server")
}

// privsep is the directory that sshd wants to be there, which is gone while no sshd
// runs.
const privsep = "Missing privilege separation directory: "

// ask runs sshd, which only reads, and returns what it said.
func ask(ctx context.Context, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	run := func() (stdout, stderr string, err error) {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.WaitDelay = time.Second
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		err = cmd.Run()
		return out.String(), strings.TrimSpace(errs.String()), err
	}
	out, complaint, err := run()
	if dir, missing := strings.CutPrefix(complaint, privsep); err != nil && missing && os.Mkdir(dir, 0o755) == nil {
		out, complaint, err = run()
		_ = os.Remove(dir)
	}
	if err != nil {
		return "", fmt.Errorf("sshd does not accept its configuration: %s", strings.Join(strings.Fields(complaint), " "))
	}
	return out, nil
}

// Watch hears of changes of the files of sshd.
func (v Admissions) Watch(ctx context.Context, _ []string, kick func(resource.Hint)) error {
	return notice.Files{
		Root: "/", Paths: []string{"/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/"}, Shared: v.Shared,
		Begin:   func() { kick(resource.Hint{}) },
		Changed: func(_, by string) { kick(resource.Hint{By: by}) },
	}.Listen(ctx)
}
