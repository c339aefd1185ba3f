// Package costs is what changes cost those who are connected: a row for each attribute
// of the blocks that people are connected by, with a value that it is changed to, who
// loses the session by that, and whose profile is void after it. A test of every
// attribute against this table fails where one has no row; one on real hosts changes
// them, one after the other, under two who are connected, alice and bob, and holds what
// the plan says and what happens against it.
package costs

import "regexp"

// A Row changes one attribute.
type Row struct {
	Path  string // blocks and the attribute, as openvpn_server "office"/push/routes
	Value string // in HCL
	With  []Row  // what can't be changed but together with it

	Loses   []string // whose session ends
	New     []string // whose profile is void
	Works   bool     // the void profile connects for now all the same
	Out     bool     // who loses the session is not let in again
	Refused string   // what is said of a change that the plan refuses
	Not     string   // why it can't be made under two who are connected

	First []Row    // what has to be so before
	Back  bool     // it is taken back afterwards
	Anew  []string // who has another profile then, for the one of before is void for good

	Any    bool // of a change that no row says anything about
	Redial bool // who gave up dials again
}

// Everybody is connected.
var Everybody = []string{"alice", "bob"}

var label = regexp.MustCompile(` "[^"]*"`)

// Attribute is the path without labels, as in openvpn_server/push/routes.
func (r Row) Attribute() string { return label.ReplaceAllString(r.Path, "") }

// Base is the configuration that the first row changes.
func Base(remote string) *Document {
	d := &Document{}
	d.Set(`pki "office"/subject/common_name`, `"Acme VPN CA"`)
	d.Set(`pki "office"/server "server"/common_name`, ``)
	d.Set(`pki "office"/client "alice"/common_name`, ``)
	d.Set(`pki "office"/client "bob"/common_name`, ``)
	d.Set(`openvpn_server "office"/network`, `"10.8.0.0/24"`)
	d.Set(`openvpn_server "office"/pki`, `pki.office`)
	d.Set(`openvpn_server "office"/server`, `"server"`)
	d.Set(`openvpn_server "office"/remote`, `"`+remote+`"`)
	return d
}
