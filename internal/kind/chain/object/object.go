// Package object knows what rules name that is no rule: ipsets, counters of nfacct,
// timeouts of conntrack, estimators of a rate. A rule that names one is refused where
// it is not there, so that whoever tries rules elsewhere than on the host first makes
// others like those of the host.
package object

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/syntax"
)

// An Object is something of the host that rules name and that is no rule. One
// that names it is refused where it is not there, so that a rehearsal has its
// own, made before the rules.
type Object interface {
	// make makes it in the network namespace of the calling thread, where restore
	// runs iptables-restore.
	Make(restore func(input string) error) error
}

// NamedBy returns the objects of the host that rules name. One that is not
// there is left out: iptables and the kernel say so better.
func NamedBy(rules []string, saved func() string) []Object {
	var objects []Object
	for _, s := range setsOf(rules) {
		objects = append(objects, s)
	}
	for _, k := range []registry{accounts, timeouts} {
		objects = append(objects, k.named(valuesOf(rules, k.hint, k.option))...)
	}
	return append(objects, estimatorsOf(rules, saved)...)
}

// valuesOf returns the values that rules give to options, of those rules that
// hold the hint.
func valuesOf(rules []string, hint string, names ...string) []string {
	var values []string
	for _, rule := range rules {
		if !strings.Contains(rule, hint) { // nearly always, and taking words apart is dear
			continue
		}
		list, err := syntax.Words(rule)
		if err != nil {
			continue
		}
		for _, o := range syntax.Options(list) {
			if slices.Contains(names, o.Name) && o.Value != "" {
				values = append(values, o.Value)
			}
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// A registry is where the kernel keeps named objects that rules refer to: a
// subsystem of nfnetlink with a message that lists them and one that makes one,
// and the name in the first attribute of both.
type registry struct {
	hint, option string   // of the rules
	subsystem    int      // linux/netfilter/nfnetlink.h
	copied       []uint16 // attributes that make another of the same kind
}

// The numbers of the messages are the same in linux/netfilter/nfnetlink_acct.h
// and nfnetlink_cttimeout.h.
const (
	makeObject  = 0
	listObjects = 1
	objectName  = 1
)

var (
	accounts = registry{hint: "nfacct", option: "--nfacct-name", subsystem: 7, copied: []uint16{objectName}}
	// Their protocols and times go with the name.
	timeouts = registry{hint: "--timeout", option: "--timeout", subsystem: 8, copied: []uint16{objectName, 2, 3, 4}}
)

// A registered object is one of a registry, as attributes of netlink.
type registered struct {
	subsystem  int
	attributes string
}

// named returns those of the names that the host has.
func (k registry) named(names []string) []Object {
	if len(names) == 0 {
		return nil
	}
	var found []Object
	req := nl.NewNetlinkRequest(k.subsystem<<8|listObjects, unix.NLM_F_DUMP)
	req.AddData(&nl.Nfgenmsg{Version: nl.NFNETLINK_V0})
	// A kernel without them has none.
	_ = req.ExecuteIter(unix.NETLINK_NETFILTER, 0, func(msg []byte) bool {
		if name, o := k.parse(msg); slices.Contains(names, name) {
			found = append(found, o)
		}
		return true
	})
	return found
}

func (k registry) parse(msg []byte) (name string, o registered) {
	o.subsystem = k.subsystem
	for kind, value := range kernel.Attributes(msg[min(nl.SizeofNfgenmsg, len(msg)):]) {
		if kind == objectName {
			name = unix.ByteSliceToString(value)
		}
		if !slices.Contains(k.copied, kind) {
			continue
		}
		if kind == nested {
			kind |= unix.NLA_F_NESTED
		}
		o.attributes += string(nl.NewRtAttr(int(kind), value).Serialize())
	}
	return name, o
}

// nested is the attribute of a timeout that holds others.
const nested = 4

// Make makes it anew from what the host told of it.
func (o registered) Make(func(string) error) error {
	req := nl.NewNetlinkRequest(o.subsystem<<8|makeObject, unix.NLM_F_CREATE|unix.NLM_F_ACK)
	req.AddData(&nl.Nfgenmsg{Version: nl.NFNETLINK_V0})
	req.AddRawData([]byte(o.attributes))
	if _, err := req.Execute(unix.NETLINK_NETFILTER, 0); err != nil {
		return fmt.Errorf("making an object like that of the host to prove the rules that name it: %w", err)
	}
	return nil
}

// An estimator is a rate that a rule of somebody measures, and others match.
type estimator struct{ name string }

// estimatorsOf returns the estimators of others that rules match: those that some
// rule of the host makes.
func estimatorsOf(rules []string, saved func() string) []Object {
	names := valuesOf(rules, "rateest", "--rateest", "--rateest1", "--rateest2")
	if len(names) == 0 {
		return nil
	}
	own := valuesOf(rules, "RATEEST", "--rateest-name")
	there := valuesOf(strings.Split(saved(), "\n"), "RATEEST", "--rateest-name")
	var found []Object
	for _, name := range names {
		if slices.Contains(there, name) && !slices.Contains(own, name) && plainName.MatchString(name) {
			found = append(found, estimator{name: name})
		}
	}
	return found
}

// plainName is a name that needs no quotes.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_.:-]+$`)

// Make makes it with a rule of its own.
func (e estimator) Make(restore func(string) error) error {
	const rule = "*raw\n:ESTIMATORS - [0:0]\n-A ESTIMATORS -j RATEEST --rateest-name %s --rateest-interval 250ms --rateest-ewmalog 500ms\nCOMMIT\n"
	if err := restore(fmt.Sprintf(rule, e.name)); err != nil {
		return fmt.Errorf("making an estimator %s to prove the rules that match it: %w", e.name, err)
	}
	return nil
}
