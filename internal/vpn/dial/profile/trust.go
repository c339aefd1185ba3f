package profile

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/resource"
)

// channel is how both talk.
func (j *judge) channel(d Directive) {
	name, value := d.name(), strings.Join(d.args(), " ")
	for _, word := range strings.Split(value, ":") {
		switch word = strings.TrimPrefix(word, "?"); {
		case !strings.HasSuffix(name, "cipher") && !strings.Contains(name, "-ciphers"):
		case openvpn.Weak(word):
			j.told.wrong(d.Line, fmt.Sprintf("%s is broken, and OpenSSL 3 refuses it", word), "the server has to learn AES-256-GCM, or AES-256-CBC where it is of OpenVPN 2.3")
			return
		case strings.EqualFold(word, "none"):
			j.told.warn(d.Line, "EVERYTHING WOULD BE SENT IN THE CLEAR", "write AES-256-GCM, which the server has to know")
		}
	}
	switch name {
	case "cipher":
		j.told.warn(d.Line, "cipher means nothing any more where both sides agree on one, since OpenVPN 2.6", "write data-ciphers; it is taken as data-ciphers-fallback, for a server that can't agree")
		if !slices.Contains(j.has, "data-ciphers-fallback") {
			d.Words[0] = "data-ciphers-fallback"
			j.keep(d)
		}
	case "ncp-ciphers":
		j.told.warn(d.Line, "ncp-ciphers is the name of data-ciphers before OpenVPN 2.5", "write data-ciphers")
		d.Words[0] = "data-ciphers"
		j.keep(d)
	case "comp-lzo", "compress":
		if value != "no" && value != "stub" && value != "stub-v2" && value != "migrate" {
			j.told.warn(d.Line, "compression gives secrets away (VORACLE), keeps the data out of the kernel, and OpenVPN 2.7 no longer does it", "delete it once the server no longer asks for it; with compress migrate it tells clients to stop")
		}
		j.keep(d)
	case "allow-compression":
		if value == "yes" {
			j.told.wrong(d.Line, "what this host sends would be compressed, which gives secrets away (VORACLE)", "delete it")
			return
		}
		j.keep(d)
	case "tls-version-min":
		if value == "1.0" || value == "1.1" {
			j.told.warn(d.Line, "TLS "+value+" is deprecated (RFC 8996)", "write tls-version-min 1.2")
		}
		j.keep(d)
	case "auth":
		if strings.EqualFold(value, "none") {
			j.told.warn(d.Line, "NOBODY CHECKS THE PACKETS of ciphers without a digest of their own", "write auth SHA256, which the server has to have too")
		}
		j.keep(d)
	default:
		j.keep(d)
	}
}

// trust is by what the server is known.
func (j *judge) trust(d Directive) {
	value := strings.Join(d.args(), " ")
	switch d.name() {
	case "ns-cert-type":
		j.told.warn(d.Line, "ns-cert-type is of certificates that nobody makes any more", "write remote-cert-tls server, which holds in any case")
		fallthrough
	case "remote-cert-tls":
		if value != "server" {
			j.told.wrong(d.Line, "whom a client dials is a server", "write remote-cert-tls server")
			return
		}
		j.left(d) // it is always written
	case "verify-x509-name":
		if len(d.args()) == 0 || len(d.args()) > 2 {
			j.told.wrong(d.Line, "it says no name of the server", "write verify-x509-name NAME name")
			return
		}
		j.keep(d)
	case "peer-fingerprint":
		if d.inline() {
			for _, print := range strings.Fields(d.Content.Reveal()) {
				j.fingerprint(d.Line, print)
			}
			return
		}
		j.fingerprint(d.Line, value)
	case "key-direction":
		if value != "0" && value != "1" {
			j.told.wrong(d.Line, "a direction is 0 or 1", "write key-direction 1, which is the client's")
		}
		j.direction = value
	default: // dh
		j.told.warn(d.Line, "dh is for servers", "delete it")
		j.left(d)
	}
}

var print256 = regexp.MustCompile(`^([0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2}$`)

func (j *judge) fingerprint(line int, text string) {
	if !print256.MatchString(text) {
		j.told.wrong(line, "this is no fingerprint of SHA-256", "write 32 bytes in hexadecimal with colons between, as openssl x509 -fingerprint -sha256 does")
		return
	}
	j.Lines = append(j.Lines, openvpn.Line("peer-fingerprint", text))
}

// login is what only a person would know.
func (j *judge) login(d Directive) {
	if d.inline() || len(d.args()) > 0 {
		j.file(d)
		return
	}
	if d.name() == "askpass" {
		j.AskPass = d.Line
	} else {
		j.Login = d.Line
	}
}

// file takes note of one that is named, or stands between tags.
func (j *judge) file(d Directive) {
	args := d.args()
	f := &File{Directive: d.name(), Public: files[d.name()], Line: d.Line}
	switch {
	case d.inline():
		f.Document = d.Content
	case len(args) == 0:
		j.told.wrong(d.Line, fmt.Sprintf("%s names no file", d.name()), fmt.Sprintf("name one, or put it between <%s> and </%[1]s>", d.name()))
		return
	case args[0] == "[inline]": // of the days before 2.1.4, which has tags too
		return
	case args[0] == "stdin" || strings.HasPrefix(args[0], "env:"):
		j.told.wrong(d.Line, "nobody is there to type it", "name a file")
		return
	default:
		f.Document, f.Rest = resource.NewDocument(args[0], ""), args[1:]
	}
	switch {
	case d.name() == "crl-verify" && len(f.Rest) > 0:
		j.told.wrong(d.Line, "a directory of revoked certificates is not supported", "name a file with the list")
		return
	case d.name() == "auth-user-pass" && f.Document.Path() != "" && !filepath.IsLocal(f.Document.Path()):
		j.told.wrong(d.Line, "what is in a file elsewhere on this host would be sent to whom this profile dials", "delete it, and write auth_user_pass in the block, with the path of the file; or put that beside the profile")
		return
	case d.name() == "tls-auth" && len(f.Rest) > 0 && (len(f.Rest) > 1 || f.Rest[0] != "0" && f.Rest[0] != "1"):
		j.told.wrong(d.Line, "a direction is 0 or 1", "write 1 behind the file, which is the client's")
		return
	case d.name() != "tls-auth" && len(f.Rest) > 0:
		j.told.wrong(d.Line, fmt.Sprintf("%s takes a file and nothing behind it", d.name()), "put a path with blanks in double quotes")
		return
	}
	j.Files = append(j.Files, f)
}
