// Package reason says in words that a person can act on why an OpenVPN client is not
// connected, from what it said last.
package reason

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Tale is what is known of a client when it is to be told why it is down.
type Tale struct {
	State    string   // as its management interface has it, empty where that does not answer
	Answered bool     // somebody answered in one of the last attempts
	Log      []string // its last words, the newest last

	Peers       []string  // whom it dials, as in udp/vpn.example.com:1194
	Shield      string    // tls-crypt, tls-crypt-v2 or tls-auth; empty where it has none
	Certificate string    // path of its own certificate; empty where it has none
	Ends        time.Time // of that; the zero time where that is not known
	Now         time.Time
	Login       bool // it logs in by name and password

	attempt []string // the lines of the one that is told of
}

// peer is whom the last attempt was about.
func (t Tale) peer() string {
	for i := len(t.attempt) - 1; i >= 0; i-- {
		if f := dials.FindStringSubmatch(t.attempt[i]); f != nil {
			return f[1]
		}
	}
	if len(t.Peers) > 0 {
		return t.Peers[0]
	}
	return "the server"
}

var dials = regexp.MustCompile(`(?:link remote:|Attempting to establish TCP connection with|TCP: connect to) \[AF_INET6?\](\S+)`)

// A saying is what OpenVPN says, and what it means.
type saying struct {
	says  *regexp.Regexp
	means func(found []string, t Tale) string
}

// verdicts are what both sides have to say of each other, in the order in which they
// count. Each tells more than that somebody can't be reached.
var verdicts = sync.OnceValue(func() []saying {
	return []saying{
		{regexp.MustCompile(`VERIFY X509NAME ERROR: (.*), must be (.*)`), func(f []string, t Tale) string {
			return fmt.Sprintf("%s is another one than it shall be: its certificate is for %s, and verify_x509_name wants %s; dial the right one, or name it as it is called", t.peer(), f[1], f[2])
		}},
		{regexp.MustCompile(`VERIFY ERROR: depth=(\d+), error=([^:]+)(?:: (.*?))?(?:, serial=\S+)?$`), verify},
		{regexp.MustCompile(`VERIFY (?:E?KU|nsCertType) ERROR`), func(_ []string, t Tale) string {
			return fmt.Sprintf("%s shows a certificate that is not for servers, so nothing is sent to it: somebody may be in between; it needs one with the use TLS Web Server Authentication", t.peer())
		}},
		{regexp.MustCompile(`peer certificate fingerprint|--peer-fingerprint`), func(_ []string, t Tale) string {
			return fmt.Sprintf("%s shows another certificate than the one whose fingerprint is given, so nothing is sent to it; compare it there, and name the new fingerprint", t.peer())
		}},
		{regexp.MustCompile(`AUTH_FAILED(?:,(.*))?$`), func(f []string, t Tale) string {
			said := ""
			if f[1] != "" {
				said = " (" + f[1] + ")"
			}
			if t.Login {
				return fmt.Sprintf("%s refuses the name or the password%s; see what is right there, and change the file or credential", t.peer(), said)
			}
			return fmt.Sprintf("%s knows the certificate and refuses it all the same (AUTH_FAILED%s): it is disabled there, or wants a name and a password", t.peer(), said)
		}},
		{regexp.MustCompile(`alert (?:number \d+ )?.*certificate (revoked|expired|unknown)|sslv3 alert certificate (revoked|expired|unknown)|tlsv1 alert (unknown ca)`), func(f []string, t Tale) string {
			return fmt.Sprintf("%s refuses the certificate: %s", t.peer(), strings.Join(strings.Fields(strings.Join(f[1:], " ")), " "))
		}},
		{regexp.MustCompile(`(?:no protocols available|unsupported protocol|alert protocol version|tlsv1 alert protocol version|wrong version number)`), func(_ []string, t Tale) string {
			return fmt.Sprintf("%s and this host have no version of TLS in common; see tls-version-min of both", t.peer())
		}},
		{regexp.MustCompile(`no shared cipher|handshake failure`), func(_ []string, t Tale) string {
			return fmt.Sprintf("%s and this host have no TLS cipher in common; see tls-cipher and tls-ciphersuites of both", t.peer())
		}},
		{regexp.MustCompile(`data channel cipher negotiation failed|failed to negotiate cipher with server|negotiated cipher not allowed - (\S+)`), func(_ []string, t Tale) string {
			return fmt.Sprintf("%s and this host have no cipher for the data in common; see data_ciphers of both", t.peer())
		}},
		{regexp.MustCompile(`tls-crypt unwrap error|tls-crypt unwrapping failed|Authenticate/Decrypt packet error|packet HMAC authentication failed|cannot locate HMAC`), func(_ []string, t Tale) string {
			return fmt.Sprintf("%s answers with another %s key than the one here; ask for the profile anew", t.peer(), strings.TrimSuffix(shield(t), " "))
		}},
	}
})

// ways are what is wrong on the way to the server, or afterwards.
var ways = sync.OnceValue(func() []saying {
	return []saying{
		{regexp.MustCompile(`RESOLVE: Cannot resolve host address: ([^ :]+)(?::\S+)? \((.*?)\)`), func(f []string, _ Tale) string {
			return fmt.Sprintf("the name %s can't be looked up (%s); see whether it is spelled right, and the name servers of this host", f[1], lower(f[2]))
		}},
		{regexp.MustCompile(`TCP: connect to \[AF_INET6?\](\S+) failed: (.*)`), func(f []string, t Tale) string { return unreachable(f[1], f[2]) }},
		{regexp.MustCompile(`\[ECONNREFUSED\]|Connection refused`), func(_ []string, t Tale) string { return unreachable(t.peer(), "Connection refused") }},
		{regexp.MustCompile(`(?:write|read) (?:UDP|TCP)\S* \[([A-Z]*)\]: (.*?) \(fd|(Network unreachable), restarting`), func(f []string, t Tale) string {
			return unreachable(t.peer(), f[2]+f[3])
		}},
		{regexp.MustCompile(`Inactivity timeout \(--ping-restart\)|SIGUSR1\[soft,ping-restart\]`), func(_ []string, t Tale) string {
			return fmt.Sprintf("%s was connected and is silent now; it is dialled again. Is it up, and is the way there?", t.peer())
		}},
		{regexp.MustCompile(`Connection reset, restarting|server_poll|remote-exit|Server ended the connection|received, process restarting.*exit-notify|SIGUSR1\[soft,(?:connection-reset|server-pushed-connection-reset|remote-exit)`), func(_ []string, t Tale) string {
			return fmt.Sprintf("%s ended the connection; it is dialled again", t.peer())
		}},
		{regexp.MustCompile(`(?:Cannot (?:load|open)|Cannot pre-load|Error opening|Error: private key password verification failed|cannot (?:load|open)) ?(.*)`), func(f []string, _ Tale) string {
			return fmt.Sprintf("OpenVPN can't read what its configuration names (%s); vpnd apply puts it right", lower(f[0]))
		}},
		{regexp.MustCompile(`Cannot allocate TUN/TAP dev|Cannot open TUN/TAP dev|Cannot ioctl TUNSETIFF`), func(f []string, _ Tale) string {
			return fmt.Sprintf("its interface can't be made (%s); see whether another program has one of that name", f[0])
		}},
		{regexp.MustCompile(`Options error: (.*)`), func(f []string, _ Tale) string {
			return "OpenVPN refuses its configuration: " + f[1]
		}},
	}
})

// beginning is what an attempt begins with.
var beginning = regexp.MustCompile(`^(?:TCP/UDP: Preserving recently used remote address|Attempting to establish TCP connection|UDPv\d link local|OpenVPN \d)`)

// attempts are how many of the last ones are looked at for each server that is dialled:
// the one under way may not have come to anything.
const attempts = 2

// Explain returns why it is down, empty where nothing tells. Where one server is not there and
// another one has something against this host, the latter is told; that is final, for to dial
// again does not help, once an attempt has come to its end with it.
func Explain(t Tale) (why string, final bool) {
	said := last(t.Log, attempts*max(1, len(t.Peers)))
	for _, lines := range said {
		t.attempt = lines
		against, over := verdict(lines, t)
		if why == "" {
			why = against
		}
		if against != "" && over {
			return why, true
		}
	}
	if why != "" {
		return why, false
	}
	for _, lines := range said {
		t.attempt = lines
		if why := way(lines, t); why != "" {
			return why, false
		}
	}
	t.attempt = t.Log
	return state(t), false
}

// verdict is what one side has against the other in an attempt, and whether that has come
// to its end: while one is under way the server may only be slow.
func verdict(lines []string, t Tale) (why string, over bool) {
	if why := meaning(verdicts(), lines, t); why != "" {
		return why, true
	}
	if completed(lines) {
		return "", false
	}
	text := strings.Join(lines, "\n")
	over = strings.Contains(text, "TLS Error") || strings.Contains(text, "process restarting")
	if strings.Contains(text, "VERIFY OK: depth=0") && !strings.Contains(text, "Peer Connection Initiated") && (over || t.State == "AUTH") {
		return rejected(t), over
	}
	return "", false
}

// way is what is wrong on the way in an attempt.
func way(lines []string, t Tale) string {
	if why := meaning(ways(), lines, t); why != "" {
		return why
	}
	if !strings.Contains(strings.Join(lines, "\n"), "TLS key negotiation failed") {
		return ""
	}
	if t.Answered {
		return fmt.Sprintf("%s answers and breaks the handshake off: it takes neither our version of TLS nor our ciphers, or is no OpenVPN; see its log", t.peer())
	}
	return silent(t)
}

func completed(lines []string) bool {
	return slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, "Initialization Sequence Completed") })
}

// meaning is that of the last line that one of them says.
func meaning(all []saying, lines []string, t Tale) string {
	for _, s := range all {
		for i := len(lines) - 1; i >= 0; i-- {
			if found := s.says.FindStringSubmatch(lines[i]); found != nil {
				return s.means(found, t)
			}
		}
	}
	return ""
}

// last returns the lines of the last attempts, the newest first.
func last(lines []string, most int) [][]string {
	var all [][]string
	end := len(lines)
	for i := len(lines) - 1; i >= 0 && len(all) < most; i-- {
		if i == 0 || beginning.MatchString(lines[i]) && !beginning.MatchString(lines[i-1]) {
			all = append(all, lines[i:end])
			end = i
		}
	}
	return all
}

// rejected is said where the server showed who it is and does not go on.
func rejected(t Tale) string {
	what := "revoked, not valid any more or not yet, or not of its CA"
	if t.Certificate == "" {
		return fmt.Sprintf("%s is there and does not go on with this host, which has no certificate; ask there whether it needs one", t.peer())
	}
	if !t.Ends.IsZero() && t.Now.After(t.Ends) {
		return fmt.Sprintf("the certificate %s has run out on %s, and %s does not take it; ask for a new profile", t.Certificate, t.Ends.UTC().Format(time.DateOnly), t.peer())
	}
	return fmt.Sprintf("%s is there and does not take our certificate (%s): it is %s; ask there, or for a new profile", t.peer(), t.Certificate, what)
}

// silent is said where nobody answers at all.
func silent(t Tale) string {
	text := fmt.Sprintf("%s does not answer: is it up, and does every firewall in between let it through?", t.peer())
	if t.Shield != "" {
		text += fmt.Sprintf(" With another %skey than its own it would not answer either", shield(t))
	}
	return text
}

func shield(t Tale) string {
	if t.Shield == "" {
		return ""
	}
	return t.Shield + " "
}

// state is what can be said by the state alone, while the first attempt is under way.
func state(t Tale) string {
	switch t.State {
	case "RESOLVE":
		return "the name of the server is being looked up, without an answer so far"
	case "WAIT", "TCP_CONNECT", "CONNECTING":
		return silent(t)
	case "AUTH":
		return fmt.Sprintf("%s answers, and the handshake has not come to its end", t.peer())
	case "GET_CONFIG":
		return fmt.Sprintf("%s let it in and has not said what addresses it has; see its log", t.peer())
	case "ASSIGN_IP", "ADD_ROUTES":
		return "it is connected, and its interface is being set up"
	case "EXITING":
		return "it is about to end"
	case "":
		return ""
	}
	return fmt.Sprintf("it dials %s again", t.peer())
}

// verify is what is wrong with the certificate of the server.
func verify(f []string, t Tale) string {
	whose := "its certificate"
	if f[1] != "0" {
		whose = "the certificate of its CA"
	}
	if f[3] != "" {
		whose += " (" + f[3] + ")"
	}
	switch {
	case strings.Contains(f[2], "has expired"):
		return fmt.Sprintf("%s shows that it is not to be trusted: %s has run out; it has to be renewed there, unless the clock of this host is wrong", t.peer(), whose)
	case strings.Contains(f[2], "not yet valid"):
		return fmt.Sprintf("%s is not valid yet: see the clock of %s, and that of this host", whose, t.peer())
	case strings.Contains(f[2], "revoked"):
		return fmt.Sprintf("%s shows a certificate that was revoked, so nothing is sent to it", t.peer())
	case strings.Contains(f[2], "CRL has expired"):
		return "the list of revoked certificates that it judges the server by has run out; bring a new one, or take crl_verify out"
	case strings.Contains(f[2], "self-signed"), strings.Contains(f[2], "self signed"), strings.Contains(f[2], "unable to get"):
		return fmt.Sprintf("%s is not of the CA that is given (%s): somebody may be in between; where its CA was made anew, ask for a new profile", t.peer(), f[2])
	}
	return fmt.Sprintf("%s shows a certificate that can't be trusted: %s (%s)", t.peer(), f[2], whose)
}

// unreachable is said where there is no way.
func unreachable(at, why string) string {
	switch {
	case strings.HasPrefix(why, "Connection refused"):
		return fmt.Sprintf("%s refuses connections; does OpenVPN run there, on that port and protocol?", at)
	case strings.HasPrefix(why, "No route to host"):
		return fmt.Sprintf("%s can't be reached (no route to host); is it up?", at)
	case strings.Contains(strings.ToLower(why), "unreachable"):
		return fmt.Sprintf("this host has no way to %s (network is unreachable); see its own network and default route", at)
	case strings.Contains(why, "timed out"), strings.Contains(why, "Operation now in progress"):
		return fmt.Sprintf("%s does not answer; is it up, and does every firewall in between let it through?", at)
	}
	return fmt.Sprintf("%s can't be reached (%s)", at, lower(strings.TrimSpace(why)))
}

func lower(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToLower(text[:1]) + text[1:]
}
