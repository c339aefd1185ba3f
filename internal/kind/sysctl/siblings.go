package sysctl

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vpnd/internal/resource"
)

// siblings returns the keys that the kernel writes when it writes this one,
// with their values: the switch of forwarding throws those of all interfaces
// and, for IPv4, whether redirects are accepted. See inet_forward_change and
// addrconf_fixup_forwarding of the kernel.
func (v Verbs) siblings(name string) map[string]string {
	if !Forwards(name) || v.Proc == "" {
		return nil
	}
	family := strings.Split(fileOf(name), "/")[1]
	keys := []string{"forwarding"}
	if family == "ipv4" {
		keys = append(keys, "accept_redirects")
	}
	values := make(map[string]string)
	for _, key := range keys {
		paths, _ := filepath.Glob(filepath.Join(v.Proc, "net", family, "conf", "*", key))
		for _, path := range paths {
			sibling := strings.TrimPrefix(path, filepath.Clean(v.Proc)+"/")
			if value, err := os.ReadFile(path); err == nil && sibling != fileOf(name) {
				values[sibling] = tidy(string(value))
			}
		}
	}
	return values
}

// giveBack writes back what the kernel changed along with a key that is given
// back. now is how the siblings were right before: one that somebody has set
// since, to something else than what the kernel made of it, keeps that.
func (v Verbs) giveBack(item resource.Item[Sysctl], now map[string]string) error {
	made := map[string]string{"forwarding": *item.Got.Value, "accept_redirects": "0"}
	if *item.Got.Value == "0" {
		made["accept_redirects"] = "1"
	}
	for _, sibling := range slices.Sorted(maps.Keys(item.Want.Siblings)) {
		is, there := now[sibling]
		if !there {
			continue
		}
		value := item.Want.Siblings[sibling]
		if is != made[filepath.Base(sibling)] {
			value = is
		}
		if err := v.set(sibling, value); err != nil {
			return err
		}
	}
	return nil
}

// keep writes back what the kernel changed along with a switch, where vpnd has a
// file for that key and it was as the file says: another block wishes for it.
func (v Verbs) keep(name string, before map[string]string) error {
	now := v.siblings(name)
	for _, sibling := range slices.Sorted(maps.Keys(now)) {
		if now[sibling] == before[sibling] {
			continue
		}
		meant, err := v.boot(sibling)
		if err == nil && meant != "" && meant == before[sibling] {
			err = v.set(sibling, meant)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
