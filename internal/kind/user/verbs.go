package user

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"vpnd/internal/atomic"
	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// Verbs converge system accounts.
type Verbs struct {
	Root   string         // where /etc/passwd is: "/" for the host itself
	Shared *notice.Shared // with other watchers; nil is nothing, and nobody is named
	// Run runs a program of the host; nil is the function [Exec].
	Run func(ctx context.Context, argv ...string) (said string, status int, err error)
}

// Observe reads the tables of accounts once.
func (v Verbs) Observe(ctx context.Context, wants map[string]*User) (map[string]*User, error) {
	all, err := accounts(v.Root)
	if err != nil {
		return nil, err
	}
	shut, err := locked(v.Root)
	if err != nil {
		return nil, err
	}
	return resource.ObserveEach(ctx, wants, func(name string, _ *User) (*User, error) {
		text, err := readDeclaration(v.Root, name)
		a, found := all[name]
		if err != nil || !found && text == "" {
			return nil, err
		}
		return &User{
			Description: resource.Ptr(strings.TrimSuffix(a.gecos, mark)),
			Home:        resource.Ptr(a.home),
			Shell:       resource.Ptr(a.shell),
			Locked:      resource.Ptr(shut[name]),
			Declared:    resource.Ptr(found && text == declared(name, a.gecos, a.home, a.shell)),
			Ours:        resource.Ptr(!found || ours(a, text)),
		}, nil
	})
}

// Normalize fills in what holds for every account.
func (v Verbs) Normalize(_ context.Context, wants map[string]*User) (map[string]*User, error) {
	normal := make(map[string]*User, len(wants))
	for name, want := range wants {
		w := *want
		w.Shell, w.Locked, w.Declared, w.Ours = resource.Ptr(nologin), resource.Ptr(true), resource.Ptr(true), resource.Ptr(true)
		normal[name] = &w
	}
	return normal, nil
}

// Preflight refuses to take an account over that somebody else made.
func (v Verbs) Preflight(ctx context.Context, name string, _ User, plan resource.Prospect) error {
	if plan.Undo {
		return nil
	}
	return v.stranger(ctx, name)
}

// stranger is an error where an account of that name is not vpnd's, be it in
// /etc/passwd or in a directory service.
func (v Verbs) stranger(ctx context.Context, name string) error {
	all, err := accounts(v.Root)
	if err != nil {
		return err
	}
	text, err := readDeclaration(v.Root, name)
	if err != nil {
		return err
	}
	const hint = "vpnd takes no account over; choose another name, or remove that account first"
	a, found := all[name]
	switch {
	case found && !ours(a, text):
		return fmt.Errorf("there is an account %s already (%d, %s), which vpnd did not make; %s", name, a.uid, a.home, hint)
	case found || v.Root != "/":
		return nil
	}
	if said, status, err := v.run(ctx, "getent", "passwd", name); err == nil && status == 0 {
		return fmt.Errorf("there is an account %s already, from a directory service (%s); %s", name, strings.TrimSpace(said), hint)
	}
	return nil
}

// Brings is the account and its group.
func (Verbs) Brings(name string, _, want *User) (things []resource.ID, may []string) {
	if want == nil {
		return nil, nil
	}
	return []resource.ID{{Kind: resource.User, Name: name}, {Kind: resource.Group, Name: name}}, nil
}

// Apply makes accounts, and puts right what differs of those that vpnd made.
func (v Verbs) Apply(ctx context.Context, items []resource.Item[User]) error {
	return resource.ApplyEach(items, func(i resource.Item[User]) error { return v.apply(ctx, i.Name, i.Want) })
}

func (v Verbs) apply(ctx context.Context, name string, want User) error {
	if err := v.stranger(ctx, name); err != nil {
		return err
	}
	gecos := resource.Or(want.Description, "account of a service") + mark
	home, shell := resource.Or(want.Home, "/nonexistent"), resource.Or(want.Shell, nologin)
	if err := v.declare(name, declared(name, gecos, home, shell)); err != nil {
		return err
	}
	all, err := accounts(v.Root)
	if err != nil {
		return err
	}
	a, found := all[name]
	if !found {
		return v.make(ctx, name)
	}
	return v.mend(ctx, name, a, account{a.uid, gecos, home, shell})
}

// declare writes the file that has the account made again where it is lost.
func (v Verbs) declare(name, text string) error {
	file := declaration(name)
	if there, err := readDeclaration(v.Root, name); err != nil || there == text {
		return err
	}
	err := atomic.Mkdir(v.Root, "/etc/sysusers.d", 0o755, 0, 0)
	if err == nil || errors.Is(err, fs.ErrExist) {
		err = atomic.Write(v.Root, atomic.File{Path: file, Data: []byte(text), Mode: 0o644, UID: 0, GID: 0})
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}

// make has systemd make the account from that file.
func (v Verbs) make(ctx context.Context, name string) error {
	argv := []string{"systemd-sysusers"}
	if v.Root != "/" {
		argv = append(argv, "--root="+v.Root)
	}
	if err := v.must(ctx, append(argv, path.Base(declaration(name)))...); err != nil {
		return err
	}
	all, err := accounts(v.Root)
	if _, made := all[name]; err == nil && !made {
		err = errors.New("systemd-sysusers did not make the account, and said nothing; see: systemd-sysusers " + declaration(name))
	}
	return err
}

// mend has what differs put right.
func (v Verbs) mend(ctx context.Context, name string, is, want account) error {
	argv := v.below("usermod")
	n := len(argv)
	if is.gecos != want.gecos {
		argv = append(argv, "--comment", want.gecos)
	}
	if is.home != want.home {
		argv = append(argv, "--home", want.home)
	}
	if is.shell != want.shell {
		argv = append(argv, "--shell", want.shell)
	}
	shut, err := locked(v.Root)
	if err != nil {
		return err
	}
	if !shut[name] {
		argv = append(argv, "--lock")
	}
	if len(argv) == n {
		return nil
	}
	return v.must(ctx, append(argv, name)...)
}

// Remove takes away what vpnd made and nothing else: first the file that would
// have the account made again, then who still uses it, then the account.
func (v Verbs) Remove(ctx context.Context, names []string) error {
	return resource.RemoveEach(names, func(name string) error { return v.remove(ctx, name) })
}

func (v Verbs) remove(ctx context.Context, name string) error {
	text, err := readDeclaration(v.Root, name)
	if err != nil {
		return err
	}
	all, err := accounts(v.Root)
	if err != nil {
		return err
	}
	a, found := all[name]
	if found && ours(a, text) {
		if err := v.end(ctx, name); err != nil {
			return err
		}
	}
	// The file goes last: a run that is killed before finds its account by it.
	if err := atomic.Remove(v.Root, declaration(name)); err != nil {
		return fmt.Errorf("removing %s: %w", declaration(name), err)
	}
	return nil
}

// end takes the account away, and the group that came with it.
func (v Verbs) end(ctx context.Context, name string) error {
	if err := v.depart(ctx, name); err != nil {
		return err
	}
	left, err := hasGroup(v.Root, name)
	if err != nil || !left { // where login.defs(5) has USERGROUPS_ENAB it went too
		return err
	}
	return v.must(ctx, append(v.below("groupdel"), name)...)
}

// Marked says whether vpnd made the account.
func (Verbs) Marked(_ string, got *User) bool { return *got.Ours }

// Tidy removes what a killed writer left beside the file of vpnd.
func (v Verbs) Tidy(name string, _ User) error { return atomic.Tidy(v.Root, declaration(name)) }

// Watch hears of changes of the tables of accounts and of vpnd's own files.
func (v Verbs) Watch(ctx context.Context, names []string, kick func(resource.Hint)) error {
	of := make(map[string]string)
	paths := []string{"/etc/passwd", "/etc/shadow"}
	for _, name := range names {
		of[declaration(name)] = name
		paths = append(paths, declaration(name))
	}
	return notice.Files{
		Root: v.Root, Paths: paths, Shared: v.Shared, Begin: func() { kick(resource.Hint{}) },
		Changed: func(file, by string) { kick(resource.Hint{Name: of[file], By: by}) },
	}.Listen(ctx)
}
