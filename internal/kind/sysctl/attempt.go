package sysctl

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"vpnd/internal/namespace"

	"golang.org/x/sys/unix"
)

// perLink begins keys that an interface has.
var perLink = regexp.MustCompile(`^(net/ipv[46]/(?:conf|neigh)/)[^/]+/`)

// A namespaced is a set of keys, and the flag of unshare(2) that makes others.
type namespaced struct {
	keys  *regexp.Regexp
	flags int
}

// own are the keys that a namespace has of its own.
var own = []namespaced{
	{regexp.MustCompile(`^net/(ipv4|ipv6|core|unix|netfilter|mptcp|sctp)/`), unix.CLONE_NEWNET},
	{regexp.MustCompile(`^(kernel/(msg|sem|shm)|fs/mqueue/)`), unix.CLONE_NEWIPC},
}

// attempt has the kernel judge a number that nobody else can know the range of: it
// writes it in a namespace made for that, which has keys of its own, and returns
// what the kernel made of it. Other keys belong to the whole host; of them nobody
// is asked, nor of any where no namespace is to be had, as of IPC in vpnd's unit:
// then the write itself will tell.
func (v Verbs) attempt(name, value string) (made string, err error) {
	file := fileOf(name)
	i := slices.IndexFunc(own, func(n namespaced) bool { return n.keys.MatchString(file) })
	if v.Proc != "/proc/sys" || i < 0 {
		return value, nil
	}
	made = value
	file = filepath.Join(v.Proc, perLink.ReplaceAllString(file, "${1}default/"))
	err = namespace.Run(own[i].flags, func() error {
		f, err := os.OpenFile(file, os.O_RDWR, 0)
		if err != nil {
			return nil // a key of the whole host
		}
		defer f.Close()
		if _, err := f.WriteString(value); err != nil {
			return err
		}
		if now, err := os.ReadFile(file); err == nil {
			made = tidy(string(now))
		}
		return nil
	})
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ERANGE) {
		return "", err
	}
	return made, nil
}
