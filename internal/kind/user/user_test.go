package user

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

const (
	passwd = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\nalice:x:1000:1000:Alice:/home/alice:/bin/bash\npostfix:x:120:120::/var/spool/postfix:/usr/sbin/nologin\n"
	group  = "root:x:0:\nnogroup:x:65534:\nalice:x:1000:\npostfix:x:120:\n"
	shadow = "root:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\nalice:$y$secret:19000:0:99999:7:::\npostfix:!:19000::::::\n"
)

// image is a root file system with accounts of others.
func image(t *testing.T) Verbs {
	t.Helper()
	nettest.Root(t, "to make accounts")
	root := t.TempDir()
	for file, text := range map[string]string{"etc/passwd": passwd, "etc/group": group, "etc/shadow": shadow, "etc/gshadow": "root:*::\n", "etc/login.defs": "USERGROUPS_ENAB yes\n"} {
		put(t, root, file, text)
	}
	return Verbs{Root: root}
}

func put(t *testing.T, root, file, text string) {
	t.Helper()
	path := filepath.Join(root, file)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, v Verbs, file string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(v.Root, file))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data)
}

func described(text string) User { return User{Description: &text, Home: resource.Ptr("/nonexistent")} }

// The tables of accounts are as before, byte for byte, once an account has come and
// gone; the programs that write them keep backups beside.
func TestAccountsConform(t *testing.T) {
	v := image(t)
	resourcetest.Conform(t, v, resourcetest.Case[User]{Name: "vpnd-ssh-db", First: described("SSH tunnel db"), Second: User{Description: resource.Ptr("another"), Home: resource.Ptr("/var/lib/x")}})
	for file, was := range map[string]string{"etc/passwd": passwd, "etc/group": group, "etc/shadow": shadow, "etc/sysusers.d/vpnd-vpnd-ssh-db.conf": ""} {
		if is := read(t, v, file); is != was {
			t.Errorf("%s was\n%s\nand is\n%s", file, was, is)
		}
	}
}

// Where userdel leaves groups alone, login.defs(5), the one of the account goes too.
func TestItsGroupGoesToo(t *testing.T) {
	v := image(t)
	put(t, v.Root, "etc/login.defs", "USERGROUPS_ENAB no\n")
	converge(t, v, described("SSH tunnel db"))
	if err := v.Remove(t.Context(), []string{"x-tunnel"}); err != nil || read(t, v, "etc/group") != group {
		t.Errorf("the groups are now\n%s%v", read(t, v, "etc/group"), err)
	}
}

// One that is lost, with its file or alone, comes back; so does what somebody
// changes of it.
func TestWhatIsLostComesBack(t *testing.T) {
	v := image(t)
	want := described("SSH tunnel db")
	converge(t, v, want)
	for what, spoil := range map[string]func(){
		"the account": func() {
			put(t, v.Root, "etc/passwd", passwd)
			put(t, v.Root, "etc/group", group)
			put(t, v.Root, "etc/shadow", shadow)
		},
		"its file":        func() { _ = os.Remove(filepath.Join(v.Root, declaration("x-tunnel"))) },
		"its password":    func() { edit(t, v, "etc/shadow", "x-tunnel:!*", "x-tunnel:") },
		"its shell":       func() { edit(t, v, "etc/passwd", "/nonexistent:/usr/sbin/nologin\n", "/nonexistent:/bin/bash\n") },
		"its description": func() { edit(t, v, "etc/passwd", "SSH tunnel db"+mark, "Mallory") },
	} {
		spoil()
		if got := observe(t, v); what != "the account" && got != nil && len(resource.Compare(got, normal(t, v, want))) == 0 {
			t.Errorf("%s is lost, and nothing differs", what)
		}
		converge(t, v, want)
	}
}

func edit(t *testing.T, v Verbs, file, old, text string) {
	t.Helper()
	was := read(t, v, file)
	if !strings.Contains(was, old) {
		t.Fatalf("%s has no %q:\n%s", file, old, was)
	}
	put(t, v.Root, file, strings.Replace(was, old, text, -1))
}

func observe(t *testing.T, v Verbs) *User {
	t.Helper()
	got, err := v.Observe(t.Context(), map[string]*User{"x-tunnel": nil})
	if err != nil {
		t.Fatal(err)
	}
	return got["x-tunnel"]
}

func normal(t *testing.T, v Verbs, want User) *User {
	t.Helper()
	all, err := v.Normalize(t.Context(), map[string]*User{"x-tunnel": &want})
	if err != nil {
		t.Fatal(err)
	}
	return all["x-tunnel"]
}

func converge(t *testing.T, v Verbs, want User) {
	t.Helper()
	n := normal(t, v, want)
	if err := v.Apply(t.Context(), []resource.Item[User]{{Name: "x-tunnel", Got: observe(t, v), Want: *n}}); err != nil {
		t.Fatal(err)
	}
	got := observe(t, v)
	if got == nil {
		t.Fatalf("there is none:\n%s", read(t, v, "etc/passwd"))
	}
	if diffs := resource.Compare(got, n); len(diffs) > 0 {
		t.Fatalf("it differs: %+v\n%s%s", diffs, read(t, v, "etc/passwd"), read(t, v, "etc/shadow"))
	}
}

// What somebody else made is refused, and stays whatever is asked.
func TestAccountsOfOthersAreLeftAlone(t *testing.T) {
	for _, name := range []string{"alice", "postfix", "root", "nobody"} {
		v := image(t)
		want := described("x")
		if err := v.Preflight(t.Context(), name, want, resource.Prospect{}); err == nil || !strings.Contains(err.Error(), "takes no account over") {
			t.Errorf("%s: a plan says %v", name, err)
		}
		if err := v.Apply(t.Context(), []resource.Item[User]{{Name: name, Want: want}}); err == nil {
			t.Errorf("%s is taken over", name)
		}
		if err := v.Remove(t.Context(), []string{name}); err != nil {
			t.Errorf("%s: removing says %v", name, err)
		}
		if is := read(t, v, "etc/passwd") + read(t, v, "etc/shadow") + read(t, v, declaration(name)); is != passwd+shadow {
			t.Errorf("%s: it is now\n%s", name, is)
		}
	}
}

// An account of a directory service stands in no table, and is refused as well; an undo
// is not kept from what it undoes.
func TestAccountsOfADirectoryService(t *testing.T) {
	v := Verbs{Root: "/", Run: func(_ context.Context, argv ...string) (string, int, error) {
		return "x-tunnel:*:120000:120000::/home/x:/bin/sh\n", 0, nil
	}}
	if err := v.Preflight(t.Context(), "x-tunnel", User{}, resource.Prospect{}); err == nil || !strings.Contains(err.Error(), "from a directory service") {
		t.Errorf("a plan says %v", err)
	}
	if err := v.Preflight(t.Context(), "x-tunnel", User{}, resource.Prospect{Undo: true}); err != nil {
		t.Errorf("an undo says %v", err)
	}
}

// Also where a person has got hold of a name that a file of vpnd's is there for.
func TestAPersonIsNeverRemoved(t *testing.T) {
	v := image(t)
	put(t, v.Root, declaration("alice"), declared("alice", "x"+mark, "/nonexistent", nologin))
	if err := v.Remove(t.Context(), []string{"alice"}); err != nil {
		t.Fatal(err)
	}
	if read(t, v, "etc/passwd") != passwd {
		t.Error("she is gone")
	}
	put(t, v.Root, declaration("bob"), "u bob - \"Bob\"\n")
	if err := v.Remove(t.Context(), []string{"bob"}); err == nil || read(t, v, declaration("bob")) == "" {
		t.Errorf("a file of somebody else is taken away: %v", err)
	}
}

// Who is connected to an account when it goes is ended, gently first.
func TestWhoUsesAnAccountIsEnded(t *testing.T) {
	var ran []string
	busy := 4
	v := Verbs{Root: "/", Run: func(_ context.Context, argv ...string) (string, int, error) {
		ran = append(ran, strings.Join(argv[:min(3, len(argv))], " "))
		if argv[0] == "userdel" {
			if busy--; busy >= 0 {
				return "userdel: user x is currently used by process 7", inUse, nil
			}
		}
		return "", 0, nil
	}}
	if err := v.depart(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(ran, ", "); got != "userdel x, pkill --signal TERM, userdel x, pkill --signal TERM, userdel x, pkill --signal TERM, userdel x, pkill --signal KILL, userdel x" {
		t.Error(got)
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name string
		user User
		path string
	}{
		{"vpnd-ssh-db", described("SSH tunnel db"), ""},
		{"Db", User{}, "name"},
		{"root", User{}, "name"},
		{"a\nu root - \"x\"", User{}, "name"},
		{strings.Repeat("a", 32), User{}, "name"},
		{"a", described("x\" / /bin/bash\nu b -"), "description"},
		{"a", described("x:0:0"), "description"},
		{"a", User{Home: resource.Ptr("/x /bin/bash")}, "home"},
		{"a", User{Home: resource.Ptr("/x/../etc")}, "home"},
	} {
		found := c.user.Validate(c.name)
		switch {
		case c.path == "" && len(found) > 0, c.path != "" && len(found) != 1:
			t.Errorf("%q: %v", c.name, found)
		case c.path == "name" && found[0].Path != "", c.path != "" && c.path != "name" && found[0].Path != c.path:
			t.Errorf("%q: told at %q", c.name, found[0].Path)
		}
	}
}
