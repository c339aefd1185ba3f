package openvpn

import (
	"os"
	"path"
	"strings"
)

// Environment is the name of a file that holds what servers are told of a client by
// setenv, and which its configuration includes.
const Environment = "environment"

// A rehearsal makes the copy of a configuration that can be tried without
// effect and before the files it names exist.
type rehearsal struct {
	standIn     string // a file for those that don't exist yet
	user, group string // whom the configuration names
}

// silenced are directives that would write something, detach from us or take
// the place of what we ask with.
var silenced = map[string]bool{
	"log": true, "log-append": true, "status": true, "writepid": true, "daemon": true, "syslog": true,
	"cd": true, "chroot": true, "verb": true, "mute": true, "machine-readable-output": true,
	"ifconfig-pool-persist": true, "replay-persist": true,
}

// files are directives whose first argument is a file or directory to be read.
var files = map[string]bool{
	"ca": true, "cert": true, "key": true, "dh": true, "crl-verify": true, "extra-certs": true,
	"tls-auth": true, "tls-crypt": true, "tls-crypt-v2": true, "client-config-dir": true, "capath": true,
	"auth-user-pass": true, "askpass": true, "auth-gen-token-secret": true,
}

// programs are directives whose first argument is a command that OpenVPN wants to be
// there.
var programs = map[string]bool{"client-connect": true, "auth-user-pass-verify": true, "tls-crypt-v2-verify": true}

// rewrite returns the copy; every line keeps its number.
func (r *rehearsal) rewrite(text string) string {
	lines := strings.Split(text, "\n")
	inside := "" // the inline file we are in
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		switch {
		case inside != "":
			if strings.HasPrefix(trimmed, "</"+inside+">") {
				inside = ""
			}
		case strings.HasPrefix(trimmed, "<") && strings.HasSuffix(trimmed, ">"):
			inside = strings.Trim(trimmed, "<>")
		default:
			lines[i] = r.line(line)
		}
	}
	return strings.Join(lines, "\n")
}

func (r *rehearsal) line(line string) string {
	words := strings.Fields(line)
	if len(words) == 0 {
		return line
	}
	name := strings.TrimPrefix(words[0], "--")
	if silenced[name] || strings.HasPrefix(name, "management") {
		return ""
	}
	if len(words) == 1 {
		return line
	}
	switch name {
	case "user":
		r.user = unquoted(words[1])
	case "group":
		r.group = unquoted(words[1])
	}
	if files[name] && pending(unquoted(words[1])) {
		return strings.Replace(line, words[1], r.standFor(name), 1)
	}
	if name == "config" && path.Base(unquoted(words[1])) == Environment { // which changes nothing that is tried
		return ""
	}
	if name == "config" && pending(unquoted(words[1])) { // fingerprints of certificates that are not made yet
		return "peer-fingerprint " + strings.TrimSuffix(strings.Repeat("00:", 32), ":")
	}
	if program := unquoted(words[1]); programs[name] && pending(program) {
		return strings.Replace(line, program, "/bin/true", 1)
	}
	return line
}

func (r *rehearsal) standFor(name string) string {
	if name == "client-config-dir" || name == "capath" {
		return "/"
	}
	return r.standIn
}

// pending says whether a file below /etc/openvpn, where vpnd puts what a
// server reads, is not there yet. What is missing elsewhere is a mistake.
func pending(path string) bool {
	if !strings.HasPrefix(path, "/etc/openvpn/") {
		return false
	}
	_, err := os.Stat(path)
	return os.IsNotExist(err)
}

func unquoted(word string) string { return strings.Trim(word, `"'`) }
