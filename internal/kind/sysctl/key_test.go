package sysctl

import (
	"strings"
	"testing"
)

func TestNameIsItsFile(t *testing.T) {
	for name, want := range map[string]string{
		"net.ipv4.ip_forward":               "net/ipv4/ip_forward",
		"net.ipv4.conf.eth0/100.forwarding": "net/ipv4/conf/eth0.100/forwarding",
		"kernel.randomize_va_space":         "kernel/randomize_va_space",
	} {
		if got := fileOf(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
		if got := fileOf(want); got != want || bootFile(want) != bootFile(name) || bootText(want, "1") != bootText(name, "1") {
			t.Errorf("written with slashes %s is %s in %s", name, got, bootFile(want))
		}
		if found := (&Sysctl{}).Validate(name); len(found) > 0 {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

func TestForwardingSortsFirst(t *testing.T) {
	first, then := bootFile("net.ipv4.ip_forward"), bootFile("net.ipv4.conf.all.accept_redirects")
	if first > then || first > bootFile("fs.file-max") {
		t.Errorf("%s sorts behind %s", first, then)
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct{ name, value, want, hint string }{
		{"net/ipv4/conf/eth0.100/forwarding", "1", `"net/ipv4/conf/eth0.100/forwarding" is written with slashes`, `write "net.ipv4.conf.eth0/100.forwarding", so that each key has one name`},
		{"net.ipv4.conf.*.rp_filter", "1", `"net.ipv4.conf.*.rp_filter" is a pattern, and a block stands for one key`, "write a block for each key"},
		{"net...//..shadow", "1", `"net...//..shadow" is no key of the kernel`, `write it as in "net.ipv4.ip_forward"`},
		{"net.//.//.//.etc.passwd", "1", `"net.//.//.//.etc.passwd" is no key of the kernel`, `write it as in "net.ipv4.ip_forward"`},
		{"../../etc/passwd", "1", `"../../etc/passwd" is no key of the kernel`, `write it as in "net.ipv4.ip_forward"`},
		{"/net/ipv4/ip_forward", "1", `"/net/ipv4/ip_forward" is no key of the kernel`, `write it as in "net.ipv4.ip_forward"`},
		{"ip_forward", "1", `"ip_forward" is no key of the kernel`, `write it as in "net.ipv4.ip_forward"`},
		{"", "1", `"" is no key of the kernel`, `write it as in "net.ipv4.ip_forward"`},
		{"net.ipv4.a=b\nkernel.x", "1", `"net.ipv4.a=b\nkernel.x" holds a character that no key has`, "write the key as sysctl -a shows it"},
		{"net.ipv4.ip_forward", " ", "the value is empty", "write what the kernel shall hold, or leave the block out"},
		{"net.ipv4.ip_forward", "1\nkernel.panic = 1", "the value holds a line break or another control character", "write it on one line"},
		{"net.ipv4.conf.all.forwarding", "1", "net.ipv4.conf.all.forwarding is the same switch as net.ipv4.ip_forward", `use sysctl "net.ipv4.ip_forward", so that no two blocks turn it`},
	} {
		found := (&Sysctl{Value: &c.value}).Validate(c.name)
		if len(found) != 1 || found[0].Summary != c.want || found[0].Hint != c.hint {
			t.Errorf("%q = %q: %+v", c.name, c.value, found)
		}
		if warning := strings.HasPrefix(c.want, "net.ipv4.conf.all"); len(found) == 1 && found[0].Warning != warning {
			t.Errorf("%q: warning is %t", c.name, found[0].Warning)
		}
	}
}
