package link

import (
	"fmt"
	"net/netip"
	"strings"

	"vpnd/internal/resource"
)

// maxName is IFNAMSIZ without its NUL: the kernel cuts longer names silently.
const maxName = 15

// BadName says what is wrong with the name of an interface, or nothing; see
// dev_valid_name in the kernel.
func BadName(name string) string {
	switch {
	case name == "":
		return "an interface needs a name"
	case len(name) > maxName:
		return fmt.Sprintf("%q has %d bytes, and the name of an interface may have %d", name, len(name), maxName)
	case name == "." || name == ".." || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("/:%", r) }):
		return fmt.Sprintf("%q is no name of an interface", name)
	default:
		return ""
	}
}

const nameHint = "use letters, digits, dots and dashes, as in tun0 or vpn-office"

// Validate finds what can't be without looking at a host.
func (t *Tun) Validate(name string) []resource.Mistake {
	var found []resource.Mistake
	add := func(path, hint, format string, args ...any) {
		found = append(found, resource.Mistake{Path: path, Summary: fmt.Sprintf(format, args...), Hint: hint})
	}
	if bad := BadName(name); bad != "" {
		add("", nameHint, "%s", bad)
	}
	if t.Mode != nil && *t.Mode != "tun" && *t.Mode != "tap" {
		add("mode", "write tun for layer 3 or tap for layer 2", "%q is no mode", *t.Mode)
	}
	if t.MTU != nil && (*t.MTU < 68 || *t.MTU > 65535) {
		add("mtu", "a tunnel over the internet has 1400 to 1500", "an mtu of %d is out of the range 68 to 65535", *t.MTU)
	}
	for _, account := range []struct {
		path string
		word *string
	}{{"user", t.User}, {"group", t.Group}} {
		if account.word != nil && badAccount(*account.word) {
			add(account.path, "give its name or number, or leave the line out", "%q is no %s", *account.word, account.path)
		}
	}
	return append(found, badAddresses(t.Addresses, t.MTU)...)
}

func badAccount(word string) bool {
	return word == "" || strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r == ':' || r == 0x7f })
}

func badAddresses(addresses []netip.Prefix, mtu *int) []resource.Mistake {
	var found []resource.Mistake
	add := func(hint, format string, args ...any) {
		found = append(found, resource.Mistake{Path: "addresses", Summary: fmt.Sprintf(format, args...), Hint: hint})
	}
	seen := make(map[netip.Prefix]bool)
	for _, p := range addresses {
		a := p.Addr()
		switch {
		case seen[p]:
			add("keep one of them", "%s is there twice", p)
		case !p.IsValid() || a.IsUnspecified() || a.IsMulticast() || a.Is4In6():
			add("write an address and its prefix length, as in 10.8.0.1/24", "%s is no address of an interface", p)
		case a.Is6() && a.IsLinkLocalUnicast():
			add("leave it out", "%s is link-local, and the kernel gives each interface one of those by itself", p)
		case a.Is6() && mtu != nil && *mtu < 1280:
			add("raise mtu to 1280 or more, or leave the IPv6 addresses out", "%s can't be used with an mtu of %d, since IPv6 needs 1280", p, *mtu)
		}
		seen[p] = true
	}
	return found
}

// Validate finds what can't be without looking at a host.
func (r *Route) Validate(name string) []resource.Mistake {
	var found []resource.Mistake
	add := func(path, hint, format string, args ...any) {
		found = append(found, resource.Mistake{Path: path, Summary: fmt.Sprintf(format, args...), Hint: hint})
	}
	to, err := parseTarget(name)
	if err != nil {
		add("", err.hint, "%s", err.summary)
		return found
	}
	if r.Table != nil && *r.Table != to.table {
		add("table", fmt.Sprintf("name the route %q", target{to.dst, *r.Table}), "the table is %d, but the name of the route says %d", *r.Table, to.table)
	}
	if r.Via == nil && r.Dev == nil {
		add("", "give via, dev or both", "the route leads nowhere")
	}
	if r.Dev != nil {
		if bad := BadName(*r.Dev); bad != "" {
			add("dev", nameHint, "%s", bad)
		}
	}
	if r.Via != nil {
		if summary, hint := r.badVia(to.dst); summary != "" {
			add("via", hint, "%s", summary)
		}
	}
	switch m := r.Metric; {
	case m == nil:
	case *m < 0 || *m > 1<<32-1:
		add("metric", "the lower wins; 0 to 4294967295", "a metric of %d is out of range", *m)
	case *m == 0 && to.dst.Addr().Is6():
		add("metric", "write 1024, or leave it out", "the kernel makes 1024 of the metric 0 of an IPv6 route")
	}
	return found
}

func (r *Route) badVia(dst netip.Prefix) (summary, hint string) {
	via := *r.Via
	switch {
	case !via.IsValid() || via.IsUnspecified() || via.IsMulticast() || via.Is4In6() || via.Zone() != "":
		return fmt.Sprintf("%s is no next hop", via), "write the address of a router, as in 10.8.0.1; its interface goes into dev"
	case via.Is4() != dst.Addr().Is4():
		return fmt.Sprintf("%s can't be the next hop to %s: one is IPv4, the other IPv6", via, dst), "give a next hop of the same family, or only dev"
	case via.IsLinkLocalUnicast() && via.Is6() && r.Dev == nil:
		return fmt.Sprintf("%s is link-local and there is no dev", via), "add dev: such an address is only known on one interface"
	default:
		return "", ""
	}
}
