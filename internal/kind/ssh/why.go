package ssh

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// A saying is what ssh says, and what it means.
type saying struct {
	says  *regexp.Regexp
	means func(found []string, t tale) string
	final bool // trying again does not help
}

// What ssh(1) says, and what it means for the person who reads it. The first that
// fits the last attempt counts: what ssh says at the end of one is often general.
var sayings = sync.OnceValue(func() []saying {
	return []saying{
		{regexp.MustCompile(`IDENTIFICATION HAS CHANGED|No \S+ host key is known for|Host key verification failed|host key .*differs`), hostKey, true},
		{regexp.MustCompile(`no matching host key type found\. Their offer: (\S+)`), func(f []string, t tale) string {
			return fmt.Sprintf("%s has no host key of the kind that is pinned, it offers %s; see what it has with: vpnd ssh-hostkey %s", t.host(), f[1], t.host())
		}, true},
		{regexp.MustCompile(`no matching (.+?) found\. Their offer: (\S+)`), func(f []string, t tale) string {
			return fmt.Sprintf("%s and this host have no %s in common, it offers %s; its OpenSSH is too old", t.host(), f[1], f[2])
		}, true},
		{regexp.MustCompile(`Permission denied \(([^)]*)\)`), denied, true},
		{regexp.MustCompile(`Too many authentication failures`), denied, true},
		{regexp.MustCompile(`Load key .*: (.*)`), func(f []string, t tale) string {
			return fmt.Sprintf("its key can't be read (%s); it has to be one that ssh-keygen -y -f reads without a passphrase", f[1])
		}, true},
		{regexp.MustCompile(`Failed (?:to set up credentials|at step CREDENTIALS)`), func(_ []string, t tale) string {
			return fmt.Sprintf("its private key can't be read%s, so ssh does not even begin; put it back, or have vpnd apply make a new one, which the peer has to be told", t.at())
		}, true},
		{regexp.MustCompile(`(?:bind \[?([^\]]+)\]?:(\d+)|unix_listener: cannot bind to path (\S+)): (Address already in use|Cannot assign requested address|Permission denied|No such file or directory)`), cannotListen, true},
		{regexp.MustCompile(`remote port forwarding failed for listen (?:port|path) (\S+)`), func(f []string, t tale) string {
			return fmt.Sprintf("%s refuses to listen at %s for us: the port is taken there, or its ssh_tunnel_account lacks permit_listen = [\"%s\"]", t.host(), f[1], f[1])
		}, true},
		{regexp.MustCompile(`Could not resolve hostname (\S+): (.*)`), func(f []string, _ tale) string {
			return fmt.Sprintf("the name %s can't be looked up (%s)", f[1], lower(f[2]))
		}, false},
		{regexp.MustCompile(`connect to host (\S+) port (\d+): (.*)`), unreachable, false},
		{regexp.MustCompile(`Connection timed out during banner exchange|Connection to \S+ port \d+ timed out`), func(_ []string, t tale) string {
			return fmt.Sprintf("%s takes connections and says nothing; is it an SSH server, and is it overloaded?", t.peer)
		}, false},
		{hungUp, func(_ []string, t tale) string {
			return fmt.Sprintf("%s closes the connection before anything was agreed on; its sshd may be overloaded, or refuse this address (MaxStartups, PerSourcePenalties, fail2ban, tcp wrappers)", t.peer)
		}, false},
		{regexp.MustCompile(`Timeout, server \S+ not responding|Connection to \S+ closed by remote host|client_loop: send disconnect|Broken pipe`), func(_ []string, t tale) string {
			return fmt.Sprintf("%s was connected and went away; it is dialled again", t.peer)
		}, false},
		{regexp.MustCompile(`Bad configuration option: (\S+)|terminating, \d+ bad configuration options`), func(f []string, _ tale) string {
			return fmt.Sprintf("the OpenSSH of this host does not know the option %s", f[1])
		}, true},
	}
})

// hungUp is what ssh says of a peer that does not talk to it, as that of one that was
// refused a few times before: PerSourcePenalties of sshd_config(5).
var hungUp = regexp.MustCompile(`kex_exchange_identification|Connection (?:closed|reset) by`)

// A tale is what is known of a tunnel when it is to be told why it is down.
type tale struct {
	peer string // USER@HOST:PORT
	file string // path of its private key; empty where that is not known
	key  string // the public key that it shows, as it has to be added there; empty where that is not known
}

// host is HOST:PORT, and user is USER.
func (t tale) host() string {
	_, host, _ := strings.Cut(t.peer, "@")
	return strings.TrimSuffix(host, ":22")
}

// at says where its private key is, where that is known.
func (t tale) at() string {
	if t.file == "" {
		return ""
	}
	return " (" + t.file + ")"
}

func (t tale) user() string { user, _, _ := strings.Cut(t.peer, "@"); return user }

// around is how many lines before the one that tells may belong to it.
const around = 15

// explain finds in the last words of ssh why a tunnel is down, and whether trying
// again is of no use. What was said last counts, and nothing that was said before the
// peer let it in; of a peer that hung up, why it had refused before. It is empty where
// they don't tell.
func explain(lines []string, t tale) (why string, final bool) {
	for i := len(lines) - 1; i >= 0 && !strings.HasPrefix(lines[i], "Authenticated to "); i-- {
		for _, s := range sayings() {
			found := s.says.FindStringSubmatch(lines[i])
			if found == nil || why != "" && !s.final {
				continue
			}
			before := strings.Join(lines[max(0, i-around):i+1], "\n")
			told := s.means(append(found, before), t)
			if s.says != hungUp {
				return told, s.final
			}
			why = told
		}
	}
	return why, false
}

var sent = regexp.MustCompile(`(?s)fingerprint for the \S+ key sent by the remote host is\s+(SHA256:\S+?)\.?\s`)

// hostKey is said where the peer is not whom the configuration pins.
func hostKey(found []string, t tale) string {
	shows := "another host key than the one that is pinned"
	if f := sent.FindStringSubmatch(found[len(found)-1] + "\n"); f != nil {
		shows += " (" + f[1] + ")"
	}
	return fmt.Sprintf("%s shows %s, so nothing is sent to it: somebody may be in between; if it was installed anew, compare its key there and pin it, as vpnd ssh-hostkey %s tells", t.host(), shows, t.host())
}

// denied is said where the peer does not know the key.
func denied(_ []string, t tale) string {
	if t.key == "" {
		return fmt.Sprintf("%s refuses the key; the account %s there has to know its public half", t.host(), t.user())
	}
	return fmt.Sprintf("%s refuses the key; add it to the account %s there: %s", t.host(), t.user(), t.key)
}

func cannotListen(f []string, _ tale) string {
	at, why := f[3], lower(f[4])
	if at == "" {
		at = f[1] + ":" + f[2]
	}
	switch f[4] {
	case "Address already in use":
		return fmt.Sprintf("%s is taken by another program here; stop that, or listen elsewhere", at)
	case "Cannot assign requested address":
		return fmt.Sprintf("this host has no such address as in %s", at)
	}
	return fmt.Sprintf("it can't listen at %s (%s)", at, why)
}

// unreachable is said where there is no connection.
func unreachable(f []string, _ tale) string {
	at := f[1] + ":" + f[2]
	switch {
	case strings.HasPrefix(f[3], "Connection refused"):
		return fmt.Sprintf("%s refuses connections; does sshd run there, on that port?", at)
	case strings.HasPrefix(f[3], "Connection timed out"):
		return fmt.Sprintf("%s does not answer; is it up, and does its firewall let this host in?", at)
	case strings.HasPrefix(f[3], "No route to host"):
		return fmt.Sprintf("%s can't be reached (no route to host); is it up?", at)
	}
	return fmt.Sprintf("%s can't be reached (%s)", at, lower(strings.TrimSpace(f[3])))
}

func lower(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToLower(text[:1]) + text[1:]
}

var refusals = regexp.MustCompile(`open failed: (administratively prohibited|connect failed|unknown channel type|resource shortage)(?:: (.*))?`)

// refused finds in what ssh said since a connection was tried why the peer did not
// pass it on. It is down where the peer does not want to, and beyond where it could
// not.
func refused(lines []string, to string, t tale) (down, beyond string) {
	for i := len(lines) - 1; i >= 0; i-- {
		f := refusals.FindStringSubmatch(lines[i])
		switch {
		case f == nil:
			continue
		case f[1] == "connect failed":
			return "", fmt.Sprintf("%s can't be reached from %s (%s)", to, t.host(), lower(f[2]))
		case f[1] == "administratively prohibited":
			return fmt.Sprintf("%s refuses to forward to %s; its ssh_tunnel_account lacks permit_open = [%q]", t.host(), to, to), ""
		}
		return fmt.Sprintf("%s does not forward to %s (%s)", t.host(), to, f[1]), ""
	}
	return "", ""
}
