// Package profile reads the profile of an OpenVPN client, a .ovpn file, and judges each
// of its directives: whether it may be in force on a host that dials in by itself. It
// knows no host, and nothing that it says of a mistake repeats what may be a key.
package profile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/resource"
)

// maxSize bounds a profile, in bytes. One with a dozen certificates has a tenth of it.
const maxSize = 256 << 10

// A Directive is one of a file, or of a block that says the same.
type Directive struct {
	Line    int                // where it is, from 1
	Words   []string           // its name first
	Within  []Directive        // what stands between the tags of a connection
	Content *resource.Document // what stands between other tags, or would; nil where it has none
}

// name is without the dashes that OpenVPN takes before it.
func (d Directive) name() string { return strings.TrimPrefix(d.Words[0], "--") }

func (d Directive) args() []string { return d.Words[1:] }

// inline says whether it has tags.
func (d Directive) inline() bool { return d.Content != nil }

var (
	tagForm = regexp.MustCompile(`^<([a-z0-9-]{1,30})>$`)
	// A line of a key in hexadecimal has 32 digits, and one in base64 up to 64, so
	// neither is ever repeated as what somebody took for a directive.
	nameForm = regexp.MustCompile(`^[a-z]{2,}(-[a-z0-9]{1,13}){0,3}$`)
)

const longestName = 25

// called is a directive as it may be repeated.
func called(name string) string {
	if _, known := slices.BinarySearch(names, name); known || len(name) <= longestName && nameForm.MatchString(name) {
		return name
	}
	return "this"
}

// A reader takes a file apart.
type reader struct {
	lines []string
	at    int // the line to be read next, from 0
	told  *told
}

// Parse takes a profile apart as OpenVPN does (read_config_file and check_inline_file
// in options_parse.c and options.c), and tells of what can't be.
func Parse(text string) ([]Directive, []Told) {
	t := &told{}
	all := parse(text, t)
	return all, t.all
}

func parse(text string, t *told) []Directive {
	text = strings.TrimPrefix(text, "\ufeff")
	switch {
	case len(text) > maxSize:
		t.wrong(0, fmt.Sprintf("it has %d bytes, and no profile needs more than %d", len(text), maxSize), "take out what does not belong to it")
		return nil
	case strings.ContainsRune(text, 0):
		t.wrong(strings.Count(text[:strings.IndexByte(text, 0)], "\n")+1, "there is a zero byte, which no text has", "save it as UTF-8 text")
		return nil
	}
	r := &reader{lines: strings.Split(text, "\n"), told: t}
	var all []Directive
	for r.at < len(r.lines) {
		if d, ok := r.next(""); ok {
			all = append(all, d)
		}
	}
	return all
}

// next reads a line, and what belongs to it. Outer is the block that it is in.
func (r *reader) next(outer string) (Directive, bool) {
	line := strings.TrimSuffix(r.lines[r.at], "\r")
	r.at++
	number := r.at
	if strings.HasPrefix(strings.TrimSpace(line), "-----") {
		r.loose()
		r.told.wrong(number, "a key or certificate stands there outside of its tags", "put it between <key> and </key>, or the tags of what it is")
		return Directive{}, false
	}
	words, err := openvpn.Directive(line)
	switch {
	case err != nil:
		r.told.wrong(number, "OpenVPN can't read this line: "+secretless(err), "write it as openvpn(8) does")
		return Directive{}, false
	case len(words) == 0:
		return Directive{}, false
	case !utf8.ValidString(line) || strings.ContainsFunc(strings.Join(words, ""), func(c rune) bool { return c < ' ' || c == 0x7f }):
		r.told.wrong(number, "there is a character in this line that no directive has", "save it as UTF-8 text, and take control characters out")
		return Directive{}, false
	}
	d := Directive{Line: number, Words: words}
	if !strings.HasPrefix(words[0], "<") || len(words) > 1 {
		return d, true
	}
	tag := tagForm.FindStringSubmatch(words[0])
	if tag == nil {
		r.told.wrong(number, "this is no tag of an inline file", "write it as in <ca>; its end is </ca>")
		return Directive{}, false
	}
	d.Words = []string{tag[1]}
	if outer != "" {
		r.told.wrong(number, fmt.Sprintf("<%s> can't stand within <%s>", called(tag[1]), outer), "put it before or behind")
		r.content(number, tag[1])
		return Directive{}, false
	}
	if tag[1] == connection {
		d.Content = resource.NewDocument("", "")
		return d, r.block(&d)
	}
	content, ended := r.content(number, tag[1])
	d.Content = resource.NewDocument("", content)
	return d, ended
}

// connection is the tag of a block that holds directives.
const connection = "connection"

// block reads the directives of a block.
func (r *reader) block(d *Directive) bool {
	for r.at < len(r.lines) {
		if strings.HasPrefix(strings.TrimLeft(r.lines[r.at], blanks), "</"+connection+">") {
			r.at++
			return true
		}
		if inner, ok := r.next(connection); ok {
			d.Within = append(d.Within, inner)
		}
	}
	r.unended(d.Line, connection)
	return false
}

// blanks are what isspace(3) has in the C locale.
const blanks = " \t\v\f\r"

// content reads what stands between tags. What is not ended is all content: none of it
// is taken for directives.
func (r *reader) content(number int, tag string) (string, bool) {
	for i := r.at; i < len(r.lines); i++ {
		if strings.HasPrefix(strings.TrimLeft(r.lines[i], blanks), "</"+tag+">") {
			content := strings.Join(r.lines[r.at:i], "\n") + "\n"
			r.at = i + 1
			return strings.ReplaceAll(content, "\r\n", "\n"), true
		}
	}
	r.unended(number, tag)
	r.at = len(r.lines)
	return "", false
}

func (r *reader) unended(number int, tag string) {
	r.told.wrong(number, fmt.Sprintf("<%s> has no end", called(tag)), fmt.Sprintf("write </%s> behind it, on a line of its own", called(tag)))
}

// loose passes over a block of PEM that stands by itself.
func (r *reader) loose() {
	for r.at < len(r.lines) && !strings.HasPrefix(strings.TrimSpace(r.lines[r.at]), "-----END") {
		r.at++
	}
	r.at++
}

// secretless is what the lexer has against a line, without a character of it.
func secretless(err error) string {
	text := err.Error()
	if strings.HasPrefix(text, "a backslash stands before") {
		return "a backslash stands where OpenVPN has none; it has one only before another one, a double quote and a blank"
	}
	return text
}
