package profile

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/resource"
)

// A Profile is what a file comes to.
type Profile struct {
	Lines   []string       // directives that stay, as OpenVPN reads them
	Hidden  []string       // the same of those that may hold a secret
	Remotes []Remote       // whom it dials, in order
	Files   []*File        // what it names or has inline
	Routes  []netip.Prefix // networks that it leads to
	Left    []string       // directives in whose place vpnd's own stand, or that mean nothing here

	Login     int  // the line that asks for a name and a password that it does not have; 0 for none
	AskPass   int  // the same of the passphrase of its key
	Redirects int  // the line that wants everything to go through the tunnel; 0 for none
	NoRoutes  bool // it takes no routes that the server pushes

	Told []Told
}

// A Remote is whom it dials.
type Remote struct {
	Host     string
	Port     uint16
	Protocol string // udp or tcp
}

// String writes it as a person does.
func (r Remote) String() string {
	host := r.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return fmt.Sprintf("%s/%s:%d", r.Protocol, host, r.Port)
}

// A File is one that a directive names, or has between tags.
type File struct {
	Directive string
	Rest      []string           // arguments behind the file
	Document  *resource.Document // its path, where it has one
	Public    bool               // all may read it
	Line      int
}

// A Told is something that a person should know of a line; 0 is the file.
type Told struct {
	Line    int
	Summary string
	Hint    string
	Warning bool
}

type told struct{ all []Told }

func (t *told) wrong(line int, summary, hint string) {
	t.all = append(t.all, Told{Line: line, Summary: summary, Hint: hint})
}

func (t *told) warn(line int, summary, hint string) {
	t.all = append(t.all, Told{Line: line, Summary: summary, Hint: hint, Warning: true})
}

// Read reads and judges a profile.
func Read(text string) *Profile { return Judge(Parse(text)) }

// Judge judges directives, beside what was told of them already.
func Judge(all []Directive, before []Told) *Profile {
	j := &judge{told: told{before}}
	for _, d := range all {
		if d.name() == "ignore-unknown-option" {
			j.ignored = append(j.ignored, d.args()...)
		}
	}
	for _, d := range all {
		j.directive(d)
	}
	j.ends()
	sort.SliceStable(j.told.all, func(a, b int) bool { return j.told.all[a].Line < j.told.all[b].Line })
	j.Told = j.told.all
	return &j.Profile
}

// A judge goes through the directives of a file.
type judge struct {
	Profile
	told      told
	ignored   []string // names that may be unknown
	remotes   []dialled
	protocol  string // of remotes that have none of their own
	port      string
	direction string
	has       []string // names of directives that were there
}

// dialled is a remote as it is written.
type dialled struct {
	line           int
	host           string
	port, protocol string // empty for what the file says besides
}

func (j *judge) keep(d Directive) {
	j.Lines = append(j.Lines, openvpn.Line(d.name(), d.args()...))
}

func (j *judge) left(d Directive) { j.leave(d.name()) }

func (j *judge) leave(name string) {
	if !slices.Contains(j.Left, name) {
		j.Left = append(j.Left, name)
	}
}

// directive judges one.
func (j *judge) directive(d Directive) {
	name := d.name()
	j.has = append(j.has, name)
	_, isFile := files[name]
	if d.inline() && !isFile && name != connection {
		j.told.wrong(d.Line, fmt.Sprintf("<%s> is no inline file of a client", called(name)), "delete it, up to its end")
		return
	}
	if by := j.special(name); by != nil {
		by(d)
		return
	}
	switch {
	case isFile:
		j.file(d)
	case replaced[name], windows[name]:
		j.left(d)
	case refused[name] != "":
		j.told.wrong(d.Line, fmt.Sprintf("%s can't be in the profile of a host that dials in by itself", name), refused[name])
	case gone[name] != "":
		j.told.wrong(d.Line, fmt.Sprintf("%s is gone from OpenVPN or about to go", name), gone[name])
	case server[name]:
		j.told.wrong(d.Line, fmt.Sprintf("%s is for servers", name), "delete it; this is the profile of a client")
	case kept[name]:
		j.keep(d)
	case slices.Contains(j.ignored, name):
		j.left(d)
	default:
		j.unknown(d)
	}
}

// unknown tells of what no OpenVPN has. What is no name of a directive may be a line of
// a key, of which nothing is repeated.
func (j *judge) unknown(d Directive) {
	name := called(d.name())
	hint := "see openvpn(8), or delete it; where a newer OpenVPN knows it, write ignore-unknown-option before it"
	if name == "this" {
		j.told.wrong(d.Line, "there is no such directive of OpenVPN", "what stands in a file of its own goes between tags, as in <ca> and </ca>")
		return
	}
	if near := openvpn.Closest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	j.told.wrong(d.Line, fmt.Sprintf("OpenVPN has no directive %s", name), hint)
}

// Known returns the names of all directives that are judged, sorted.
func Known() []string { return slices.Clone(names) }

// names are those of all directives that are judged.
var names = func() []string {
	all := slices.Clone(specials)
	for _, list := range []map[string]bool{kept, replaced, windows, server, files} {
		all = slices.AppendSeq(all, maps.Keys(list))
	}
	for _, list := range []map[string]string{refused, gone} {
		all = slices.AppendSeq(all, maps.Keys(list))
	}
	slices.Sort(all)
	return slices.Compact(all)
}()

// ends is what can be said once all was read.
func (j *judge) ends() {
	for _, r := range j.remotes {
		j.remote(r)
	}
	if j.direction != "" {
		for _, f := range j.Files {
			if f.Directive == "tls-auth" && len(f.Rest) == 0 {
				f.Rest = []string{j.direction}
			}
		}
	}
	for i, name := range j.has {
		if once[name] && slices.Contains(j.has[:i], name) {
			j.told.wrong(0, fmt.Sprintf("%s is there twice", name), "keep one; which one counts is not the same in each OpenVPN")
		}
	}
	j.lacks()
}

// lacks tells of what a client can't be without.
func (j *judge) lacks() {
	is := func(name string) bool { return slices.Contains(j.has, name) }
	failed := slices.ContainsFunc(j.told.all, func(t Told) bool { return !t.Warning })
	if failed { // which may have been it
		return
	}
	if len(j.remotes) == 0 {
		j.told.wrong(0, "it says nobody to dial", "add a line such as remote vpn.example.com 1194 udp")
	}
	if !is("ca") && !is("peer-fingerprint") {
		j.told.wrong(0, "it does not say by which CA the server is known", "add <ca> and </ca> with its certificate between them")
	}
	switch certificate, key := is("cert"), is("key"); {
	case certificate && !key:
		j.told.wrong(0, "it has a certificate and no key", "add <key> and </key>; who made it may have kept the key apart")
	case key && !certificate:
		j.told.wrong(0, "it has a key and no certificate", "add <cert> and </cert>")
	case !certificate && !is("auth-user-pass"):
		j.told.wrong(0, "it has neither a certificate nor auth-user-pass, so no server knows who dials in", "add <cert> and <key>, or ask who made it")
	}
	shields := 0
	for _, name := range []string{"tls-auth", "tls-crypt", "tls-crypt-v2"} {
		if is(name) {
			shields++
		}
	}
	if shields > 1 {
		j.told.wrong(0, "of tls-auth, tls-crypt and tls-crypt-v2 there can be only one", "keep the one that the server has")
	}
}

// remote completes one.
func (j *judge) remote(r dialled) {
	protocol := r.protocol
	if protocol == "" {
		protocol = j.protocol
	}
	if protocol == "" {
		protocol = "udp"
	}
	text := r.port
	if text == "" {
		text = j.port
	}
	if text == "" {
		text = "1194"
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		j.told.wrong(r.line, "what it dials has no port between 1 and 65535", "write it as in remote vpn.example.com 1194 udp")
		return
	}
	j.Remotes = append(j.Remotes, Remote{Host: r.host, Port: uint16(port), Protocol: protocol[:3]})
}
