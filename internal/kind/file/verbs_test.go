package file

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// accounts is a root with some users and groups, and those of the tests.
func accounts(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, root, "/etc/passwd", "root:x:0:0::/root:/bin/sh\nopenvpn:x:990:991::/:/bin/false\n")
	put(t, root, "/etc/group", "root:x:0:\nopenvpn:x:991:\n")
	return root
}

func put(t *testing.T, root, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, root, name, want string) {
	t.Helper()
	if got, err := os.ReadFile(filepath.Join(root, name)); err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v; want %q", name, got, err, want)
	}
}

func mode(bits uint32) *resource.Mode { return resource.Ptr(resource.Mode(bits)) }

func TestConform(t *testing.T) {
	nettest.Root(t, "to give files away")
	name := "/etc/vpn.conf"
	t.Run("file", func(t *testing.T) {
		resourcetest.Conform(t, FileVerbs{Root: accounts(t)}, resourcetest.Case[File]{
			Name:   name,
			First:  File{Content: resource.Ptr("port 1194\n\xff\xfe\x00"), Mode: mode(0o644), Owner: resource.Ptr("root"), Group: resource.Ptr("0")},
			Second: File{Content: resource.Ptr(""), Mode: mode(0o4755), Owner: resource.Ptr("990"), Group: resource.Ptr("4242")},
		})
	})
	t.Run("file of which only the owner is managed", func(t *testing.T) {
		resourcetest.Conform(t, FileVerbs{Root: accounts(t)}, resourcetest.Case[File]{
			Name:   name,
			First:  File{Owner: resource.Ptr("openvpn")},
			Second: File{Mode: mode(0o640), Owner: resource.Ptr("root"), Group: resource.Ptr("openvpn")},
		})
	})
	t.Run("file that becomes a link and a file again", func(t *testing.T) {
		resourcetest.Conform(t, FileVerbs{Root: accounts(t)}, resourcetest.Case[File]{
			Name:   name,
			First:  File{Content: resource.Ptr(""), Link: resource.Ptr("/etc/passwd")},
			Second: File{Content: resource.Ptr("x"), Mode: mode(0o600), Link: resource.Ptr("")},
		})
	})
	t.Run("secret", func(t *testing.T) {
		resourcetest.Conform(t, SecretFileVerbs{Root: accounts(t)}, resourcetest.Case[SecretFile]{
			Name:   name,
			First:  SecretFile{Content: resource.NewSecret("hush\xff"), Mode: mode(0o600), Owner: resource.Ptr("root"), Group: resource.Ptr("root")},
			Second: SecretFile{Content: resource.NewSecret("hush, hush"), Mode: mode(0o640), Owner: resource.Ptr("root"), Group: resource.Ptr("openvpn")},
		})
	})
	t.Run("directory", func(t *testing.T) {
		resourcetest.Conform(t, DirectoryVerbs{Root: accounts(t)}, resourcetest.Case[Directory]{
			Name:   "/etc/ccd",
			First:  Directory{Mode: mode(0o755), Owner: resource.Ptr("root"), Group: resource.Ptr("root")},
			Second: Directory{Mode: mode(0o2750), Owner: resource.Ptr("openvpn"), Group: resource.Ptr("991")},
		})
	})
}

// wish applies a normalised wish and returns the error.
func wish[T any](t *testing.T, v resource.Verbs[T], name string, want T) error {
	t.Helper()
	k := resource.Define("it", "", resource.Traits{}, v)
	normal, err := k.Normalize(t.Context(), map[string]any{name: &want})
	if err != nil {
		return err
	}
	o := k.Observe(t.Context(), map[string]any{name: normal[name]})[name]
	if o.Err != nil {
		t.Fatal(o.Err)
	}
	if err := k.Apply(t.Context(), []resource.Change{{Name: name, Got: o.Got, Want: normal[name]}}); err != nil {
		return err
	}
	if diffs := resource.Compare(k.Observe(t.Context(), map[string]any{name: normal[name]})[name].Got, normal[name]); len(diffs) > 0 {
		t.Errorf("%s still differs: %+v", name, diffs)
	}
	return nil
}

func text(content string) File { return File{Content: &content, Mode: mode(0o644)} }

func TestLinkInTheWay(t *testing.T) {
	root := accounts(t)
	v := FileVerbs{Root: root}
	put(t, root, "/etc/precious", "precious")
	for _, target := range []string{"precious", "/etc/precious", "/nowhere", "../../../../../../../../etc/hostname"} {
		link := filepath.Join(root, "etc/x")
		_ = os.Remove(link)
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		before, err := resourcetest.Observe(t.Context(), v, "/etc/x")
		if err != nil || *before.Link != target || *before.Content != "" {
			t.Fatalf("%+v %v", resource.Describe(before), err)
		}
		if err := wish(t, v, "/etc/x", text("mine")); err != nil {
			t.Fatal(err)
		}
		holds(t, root, "/etc/x", "mine")
		holds(t, root, "/etc/precious", "precious")
		// What was taken over is given back: the link.
		if err := wish(t, v, "/etc/x", *before); err != nil {
			t.Fatal(err)
		}
		if got, err := os.Readlink(link); err != nil || got != target {
			t.Errorf("%q %v", got, err)
		}
	}
}

func TestWhatIsNoFileStays(t *testing.T) {
	root := accounts(t)
	if err := os.Mkdir(filepath.Join(root, "etc/directory"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := resourcetest.Observe(t.Context(), (FileVerbs{Root: root}), "/etc/directory"); err == nil || err.Error() != "a directory stands where the file shall be; move it away or choose another path" {
		t.Error(err)
	}
	if err := resourcetest.Remove(t.Context(), (FileVerbs{Root: root}), "/etc/directory"); err == nil {
		t.Error("a directory was removed as a file")
	}
	if _, err := resourcetest.Observe(t.Context(), (DirectoryVerbs{Root: root}), "/etc/passwd"); err == nil || err.Error() != "a file stands where the directory shall be; move it away or choose another path" {
		t.Error(err)
	}
	if err := os.Symlink("directory", filepath.Join(root, "etc/link")); err != nil {
		t.Fatal(err)
	}
	if _, err := resourcetest.Observe(t.Context(), (DirectoryVerbs{Root: root}), "/etc/link"); err == nil || err.Error() != "a symbolic link to directory stands where the directory shall be; remove it, or name the directory where it leads" {
		t.Error(err)
	}
}

func TestDirectoryWithContentStays(t *testing.T) {
	root := accounts(t)
	v := DirectoryVerbs{Root: root}
	if err := resourcetest.Remove(t.Context(), v, "/etc"); err != nil {
		t.Error(err)
	}
	holds(t, root, "/etc/group", "root:x:0:\nopenvpn:x:991:\n")
}

func TestMissingDirectoryIsSaid(t *testing.T) {
	root := accounts(t)
	want := `the directory /etc/vpn/a does not exist; declare directory "/etc/vpn/a"`
	if err := wish(t, FileVerbs{Root: root}, "/etc/vpn/a/x", text("")); err == nil || err.Error() != want {
		t.Error(err)
	}
	if err := wish(t, DirectoryVerbs{Root: root}, "/etc/vpn/a/x", Directory{}); err == nil || err.Error() != want {
		t.Error(err)
	}
	if err := resourcetest.Remove(t.Context(), (FileVerbs{Root: root}), "/etc/vpn/a/x"); err != nil {
		t.Error(err)
	}
}

func TestContentIsTakenFromSource(t *testing.T) {
	root := accounts(t)
	source := filepath.Join(t.TempDir(), "source")
	put(t, "/", source, "from there\xff")
	link := source + ".link"
	if err := os.Symlink(source, link); err != nil {
		t.Fatal(err)
	}
	if err := wish(t, FileVerbs{Root: root}, "/etc/x", File{Source: &link}); err != nil {
		t.Fatal(err)
	}
	holds(t, root, "/etc/x", "from there\xff")
	if err := wish(t, SecretFileVerbs{Root: root}, "/etc/y", SecretFile{Source: &source}); err != nil {
		t.Fatal(err)
	}
	holds(t, root, "/etc/y", "from there\xff")
	missing := source + ".missing"
	err := wish(t, FileVerbs{Root: root}, "/etc/x", File{Source: &missing})
	if want := "reading the source: stat " + missing + ": no such file or directory"; err == nil || err.Error() != want {
		t.Error(err)
	}
}

func TestUnmanagedContentStays(t *testing.T) {
	root := accounts(t)
	put(t, root, "/etc/log", "line\n")
	if err := wish(t, FileVerbs{Root: root}, "/etc/log", File{Mode: mode(0o600)}); err != nil {
		t.Fatal(err)
	}
	holds(t, root, "/etc/log", "line\n")
	if err := wish(t, FileVerbs{Root: root}, "/etc/new", File{Mode: mode(0o640)}); err != nil {
		t.Fatal(err)
	}
	holds(t, root, "/etc/new", "")
	// The mode of the other name would change with it.
	if err := os.Link(filepath.Join(root, "etc/passwd"), filepath.Join(root, "etc/trap")); err != nil {
		t.Fatal(err)
	}
	if err := wish(t, FileVerbs{Root: root}, "/etc/trap", File{Mode: mode(0o666)}); err == nil {
		t.Error("the mode of a file was changed through a hard link")
	}
	if info, err := os.Stat(filepath.Join(root, "etc/passwd")); err != nil || info.Mode() != 0o644 {
		t.Errorf("%v %v", info, err)
	}
}

func TestAccountMayComeLater(t *testing.T) {
	nettest.Root(t, "to give files away")
	root := accounts(t)
	want := text("x")
	want.Owner, want.Group = resource.Ptr("later"), resource.Ptr("root")
	if err := wish(t, FileVerbs{Root: root}, "/etc/x", want); err == nil || err.Error() != `there is no user "later"; create it first, or give a number` {
		t.Error(err)
	}
	put(t, root, "/etc/passwd", "root:x:0:0\nlater:x:1234:1\n")
	if err := wish(t, FileVerbs{Root: root}, "/etc/x", want); err != nil {
		t.Error(err)
	}
}

func TestTooLargeIsSaid(t *testing.T) {
	root := accounts(t)
	put(t, root, "/etc/big", "")
	if err := os.Truncate(filepath.Join(root, "etc/big"), maxSize+1); err != nil {
		t.Fatal(err)
	}
	if _, err := resourcetest.Observe(t.Context(), (FileVerbs{Root: root}), "/etc/big"); err == nil || err.Error() != filepath.Join(root, "etc/big")+" is larger than 64 MiB, more than is read" {
		t.Error(err)
	}
}

func TestOneRefusedFileDoesNotStopTheOthers(t *testing.T) {
	root := accounts(t)
	one, other, stranger := text("one"), text("other"), text("")
	stranger.Owner = resource.Ptr("nobody-knows")
	err := (FileVerbs{Root: root}).Apply(t.Context(), []resource.Item[File]{
		{Name: "/etc/one", Want: one},
		{Name: "/nowhere/x", Want: text("")},
		{Name: "/etc/stranger", Want: stranger},
		{Name: "/etc/other", Want: other},
	})
	named, general := resource.Split(err)
	if general != nil || len(named) != 2 || named["/nowhere/x"] == nil || named["/etc/stranger"] == nil {
		t.Errorf("%v", err)
	}
	holds(t, root, "/etc/one", "one")
	holds(t, root, "/etc/other", "other")
}

// Ten thousand clients have ten thousand files.
func TestManyFilesAtOnce(t *testing.T) {
	root := accounts(t)
	k := resource.Define("file", "", resource.Traits{}, FileVerbs{Root: root})
	wants := make(map[string]any)
	var changes []resource.Change
	for i := range 10_000 {
		name := fmt.Sprintf("/etc/client%d", i)
		want := text(name)
		wants[name] = &want
		changes = append(changes, resource.Change{Name: name, Want: &want})
	}
	start := time.Now()
	if err := k.Apply(t.Context(), changes); err != nil {
		t.Fatal(err)
	}
	for name, o := range k.Observe(t.Context(), wants) {
		if o.Err != nil || o.Got == nil || *o.Got.(*File).Content != name {
			t.Fatalf("%s: %+v", name, o)
		}
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("took %s", took)
	} else {
		t.Logf("took %s", took)
	}
}

func TestMarked(t *testing.T) {
	v := FileVerbs{}
	ours, theirs := text("# Made by vpnd for openvpn_server.office; edits are undone.\n"), text("port 1194\n# Made by vpnd for x\n")
	if !v.Marked("/etc/x", &ours) || v.Marked("/etc/x", &theirs) {
		t.Error("the mark is not told by the first line")
	}
}
