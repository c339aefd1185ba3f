package reason

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// A rule is a message that says something, and what.
type rule struct {
	pattern  *regexp.Regexp
	note     func(a *attempt, found []string)
	words    func(a *attempt, c Connection) string // why it is not up; nil where it says nothing of that
	vague    string                                // what another attempt may explain
	explains string
}

// What is vague where the peer says it, and plain where this side does.
const (
	authentication = "authentication"
	proposals      = "proposals"
	selectors      = "selectors"
)

// up takes a verdict back: it came to something after all.
func up(a *attempt, _ []string) { a.verdict, a.established = nil, true }

// rules are tried in their order; the first that fits is taken. Nobody asks where all is up.
var rules = sync.OnceValue(func() []rule {
	return []rule{
		{pattern: regexp.MustCompile(`^initiating .*IKE_SA \S+ to (\S+)$`), note: func(a *attempt, f []string) { a.peer = f[1] }},
		{pattern: regexp.MustCompile(`^(\S+) is initiating an? `), note: func(a *attempt, f []string) { a.peer = f[1] }},
		{pattern: regexp.MustCompile(`^IKE_SA \S+ (established|rekeyed) between `), note: up},
		{pattern: regexp.MustCompile(`^CHILD_SA \S+ established with SPIs .* and TS (.*)$`), note: func(a *attempt, f []string) {
			a.verdict, a.traffic = nil, f[1]
		}},

		// Nobody answers.
		{pattern: regexp.MustCompile(`^error writing to socket: (Network|.* host|No route).* (is unreachable|to host)`), note: func(a *attempt, _ []string) { a.unreachable = true }},
		{pattern: regexp.MustCompile(`^(retransmit \d+ of request|giving up after \d+ retransmits|establishing IKE_SA failed, peer not responding|peer not responding)`), words: silent},
		{pattern: regexp.MustCompile(`^unable to resolve (\S+), initiate aborted`), words: func(a *attempt, _ Connection) string {
			return fmt.Sprintf("the name %s can't be resolved; see the name server of this host, or write an address", strings.TrimSuffix(a.found[1], ","))
		}},

		// Who is who.
		{pattern: regexp.MustCompile(`^looking for .*configs matching (\S+?)\[(.*?)\]\.\.\.(\S+?)\[(.*?)\]`), note: func(a *attempt, f []string) { a.asked, a.peer = f[1:], f[3] }},
		{pattern: regexp.MustCompile(`^no matching peer config found`), words: whoElse, explains: authentication},
		{pattern: regexp.MustCompile(`^no IKE config found for (\S+?)\.\.\.(\S+?),`), note: func(a *attempt, f []string) { a.peer = f[2] }, explains: proposals, words: func(a *attempt, _ Connection) string {
			return fmt.Sprintf("the peer comes from %s to %s, between which no connection is configured", a.found[2], a.found[1])
		}},
		{pattern: regexp.MustCompile(`^IDir '(.*)' does not match to '(.*)'`), words: otherID(1, 2), explains: authentication},
		{pattern: regexp.MustCompile(`^tried \d+ shared keys? for '(.*)' - '(.*)', but MAC mismatched`), explains: authentication, words: func(a *attempt, _ Connection) string {
			return fmt.Sprintf("authentication failed: wrong pre-shared key; that of %s is another one than here", a.found[2])
		}},
		{pattern: regexp.MustCompile(`^no shared key found for '?(.*?)'? - '?(.*?)'?$`), explains: authentication, words: func(a *attempt, _ Connection) string {
			return fmt.Sprintf("authentication failed: there is no pre-shared key of %s and %s here", a.found[1], a.found[2])
		}},
		{pattern: regexp.MustCompile(`^no (?:\S+ )?private key found for '(.*)'`), explains: authentication, words: func(a *attempt, _ Connection) string {
			return fmt.Sprintf("authentication failed: there is no private key for %s here", a.found[1])
		}},
		{pattern: regexp.MustCompile(`^no trusted \S+ public key found for '(.*)'`), explains: authentication, words: func(a *attempt, _ Connection) string {
			return fmt.Sprintf("authentication failed: the certificate of %s comes from no CA that is configured, or is not valid", a.found[1])
		}},
		{pattern: regexp.MustCompile(`certificate invalid \(valid from (.*) to (.*)\)`), explains: authentication, words: func(a *attempt, _ Connection) string {
			return fmt.Sprintf("authentication failed: a certificate is valid from %s to %s, and not now", a.found[1], a.found[2])
		}},
		{pattern: regexp.MustCompile(`^certificate was revoked on (.*), reason: (.*)`), explains: authentication, words: func(a *attempt, _ Connection) string {
			return fmt.Sprintf("authentication failed: the peer's certificate was revoked on %s (%s)", a.found[1], a.found[2])
		}},
		{pattern: regexp.MustCompile(`^constraint check failed: (.*)`), explains: authentication, words: func(a *attempt, _ Connection) string {
			return "authentication failed: of the peer it is asked that " + a.found[1]
		}},
		{pattern: regexp.MustCompile(`^received AUTHENTICATION_FAILED`), vague: authentication, words: func(a *attempt, c Connection) string {
			return fmt.Sprintf("authentication failed: %s refuses this side; there the pre-shared key or an id is another one (here %s)", a.them(c), c.ids())
		}},

		// What both take.
		{pattern: regexp.MustCompile(`^received proposals: (.*)`), note: func(a *attempt, f []string) { a.received = f[1] }},
		{pattern: regexp.MustCompile(`^configured proposals: (.*)`), note: func(a *attempt, f []string) { a.configured = f[1] }},
		{pattern: regexp.MustCompile(`^(received proposals unacceptable|no acceptable proposal found)`), explains: proposals, words: func(a *attempt, _ Connection) string {
			return fmt.Sprintf("no proposal chosen: ours %s, theirs %s", a.configured, a.received)
		}},
		{pattern: regexp.MustCompile(`^received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built`), vague: proposals, words: func(a *attempt, c Connection) string {
			return fmt.Sprintf("no proposal of ESP chosen: %s takes none of ours, %s", a.them(c), strings.Join(c.ESP, ", "))
		}},
		{pattern: regexp.MustCompile(`^received NO_PROPOSAL_CHOSEN`), vague: proposals, words: func(a *attempt, c Connection) string {
			return fmt.Sprintf("no proposal of IKE chosen: %s takes none of ours, %s, or knows nobody at our address", a.them(c), strings.Join(c.Proposals, ", "))
		}},
		{pattern: regexp.MustCompile(`^traffic selectors (.*) === (.*) unacceptable`), explains: selectors, words: func(a *attempt, _ Connection) string {
			return fmt.Sprintf("traffic selectors refused: the peer asks for %s here and %s there, which no child has", a.found[1], a.found[2])
		}},
		{pattern: regexp.MustCompile(`^received TS_UNACCEPTABLE`), vague: selectors, words: func(a *attempt, c Connection) string {
			return fmt.Sprintf("traffic selectors refused: %s has other networks configured than this side", a.them(c))
		}},

		// It was up.
		{pattern: regexp.MustCompile(`^received DELETE for IKE_SA`), words: func(a *attempt, c Connection) string { return fmt.Sprintf("%s ended it", a.them(c)) }},
		{pattern: regexp.MustCompile(`^sending DELETE for IKE_SA`), words: func(*attempt, Connection) string { return "it was ended on this host" }},
	}
})

// silent is a peer that does not answer, or not any more.
func silent(a *attempt, c Connection) string {
	switch {
	case a.unreachable:
		return fmt.Sprintf("peer unreachable: this host has no route to %s, or not the address that it shall come from", a.them(c))
	case a.traffic != "":
		return fmt.Sprintf("%s does not answer any more", a.them(c))
	default:
		return fmt.Sprintf("no answer from %s; see whether strongSwan runs there, and UDP 500 and 4500 come through", joined(a.them(c), "500"))
	}
}

// joined is an address with a port.
func joined(addr, port string) string {
	if strings.Contains(addr, ":") {
		return "[" + addr + "]:" + port
	}
	return addr + ":" + port
}

// otherID says which identity came, and which was expected.
func otherID(came, expected int) func(*attempt, Connection) string {
	return func(a *attempt, _ Connection) string {
		return fmt.Sprintf("authentication failed: the peer's id is %s, configured is %s", a.found[came], a.found[expected])
	}
}

// whoElse compares the identities that a peer asks with to those that are configured.
func whoElse(a *attempt, c Connection) string {
	const local, remote = 1, 3
	if len(a.asked) <= remote {
		return "authentication failed: no connection is configured for who comes from " + a.them(c)
	}
	if id := a.asked[remote]; c.RemoteID != "" && id != c.RemoteID {
		return fmt.Sprintf("authentication failed: the peer's id is %s, configured is %s", id, c.RemoteID)
	}
	if id := a.asked[local]; id != "%any" && c.LocalID != "" && id != c.LocalID {
		return fmt.Sprintf("authentication failed: the peer takes this side for %s, configured is %s", id, c.LocalID)
	}
	return fmt.Sprintf("authentication failed: no connection is configured for %s that comes from %s", cmp.Or(a.asked[remote], "who"), a.them(c))
}
