package object

import (
	"fmt"

	"github.com/vishvananda/netlink"
)

// An ipset is a set that rules match, without its members. A rule that names a
// set is refused where there is none, or where it is of another family; its
// type is nothing to the rule.
type ipset struct {
	name   string
	family uint8 // 0 for those without addresses
}

var setOptions = []string{"--match-set", "--add-set", "--del-set", "--map-set"}

// setsOf returns the ipsets of the host that rules name. One that is not there
// is left out: iptables says so better.
func setsOf(rules []string) []ipset {
	var sets []ipset
	for _, name := range valuesOf(rules, "-set", setOptions...) {
		if there, err := netlink.IpsetList(name); err == nil {
			sets = append(sets, ipset{name: name, family: there.Family})
		}
	}
	return sets
}

// Make makes the set, empty.
func (s ipset) Make(func(string) error) error {
	kind := "hash:ip"
	if s.family == 0 {
		kind = "hash:mac"
	}
	if err := netlink.IpsetCreate(s.name, kind, netlink.IpsetCreateOptions{Family: s.family}); err != nil {
		return fmt.Errorf("making an empty ipset %s to prove the rules that match it: %w", s.name, err)
	}
	return nil
}
