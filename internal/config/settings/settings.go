// Package settings is what a configuration says about vpnd itself: how it shall
// work (the vpnd block), whom it tells and where its figures are to be had, and
// what must hold on the host (the check blocks).
//
// These are shapes like those of the kinds: the language fills them by their tags,
// and Validate says what is wrong with them. Nothing of the language is needed to
// use them.
package settings

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"unicode"

	"vpnd/internal/resource"
)

// Settings are how vpnd itself shall work: the vpnd block, or the defaults
// where there is none.
type Settings struct {
	RequiredVersion *string            `vpnd:"required_version" doc:"the versions of vpnd that this configuration is for, as in \">= 0.1, < 2.0\""`
	Mode            *string            `vpnd:"mode" doc:"enforce repairs drift, observe only reports it" default:"enforce"`
	Interval        *resource.Duration `vpnd:"interval" doc:"how often the daemon looks at the whole host, beside looking when something happens" default:"5m"`
	RemovalLimit    *int               `vpnd:"removal_limit" doc:"how many percent of what is in force a reload may take away, beyond a handful of things; more, everything or a CA waits for vpnd apply" default:"25"`
	StateDir        *string            `vpnd:"state_dir" doc:"directory of the state, the snapshots and the keys" default:"/var/lib/vpnd"`
	Metrics         *Metrics           `vpnd:"metrics,block" doc:"figures for Prometheus"`
	Notify          []Notify           `vpnd:"notify,block" doc:"whom to tell of drift, of failures and of what runs out"`
}

// DefaultRemovalLimit is the share in percent that a reload may take away unless
// the settings say otherwise.
const DefaultRemovalLimit = 25

// Metrics is where figures for Prometheus are to be had.
type Metrics struct {
	Listen   *string `vpnd:"listen" doc:"address and port to answer on, as in 127.0.0.1:9586"`
	Textfile *string `vpnd:"textfile" doc:"file to write them to, in the textfile directory of node_exporter; ends in .prom"`
}

// Notify is one way to tell somebody: a command, which is handed the event as
// JSON, or a URL, which it is posted to.
type Notify struct {
	Command []string `vpnd:"command" doc:"command and its arguments; reads the event as JSON from its standard input"`
	URL     *string  `vpnd:"url" doc:"address that the event is posted to as JSON"`
}

// Validate says what is wrong with the settings.
func (s *Settings) Validate(string) []resource.Mistake {
	var mistakes []resource.Mistake
	if s.Mode != nil && *s.Mode != "enforce" && *s.Mode != "observe" {
		mistakes = append(mistakes, resource.Mistake{Path: "mode", Summary: quote(*s.Mode) + " is no mode", Hint: `Write "enforce" to repair drift or "observe" to report it only.`})
	}
	if s.Interval != nil && s.Interval.Seconds() < 1 {
		mistakes = append(mistakes, resource.Mistake{Path: "interval", Summary: "no time between two looks", Hint: `Write a duration of a second or more, as in "5m".`})
	}
	if l := s.RemovalLimit; l != nil && (*l < 0 || *l > 100) {
		mistakes = append(mistakes, resource.Mistake{Path: "removal_limit", Summary: fmt.Sprintf("%d is no share in percent", *l), Hint: "Write a number from 0 to 100."})
	}
	if s.StateDir != nil && !path.IsAbs(*s.StateDir) {
		mistakes = append(mistakes, resource.Mistake{Path: "state_dir", Summary: quote(*s.StateDir) + " is no absolute path", Hint: `Begin it with a slash, as in "/var/lib/vpnd".`})
	}
	if s.StateDir != nil && strings.ContainsFunc(*s.StateDir, unicode.IsControl) {
		// A unit of systemd names it, a directive a line.
		mistakes = append(mistakes, resource.Mistake{Path: "state_dir", Summary: quote(*s.StateDir) + " holds a control character", Hint: "Choose a path without."})
	}
	if s.Metrics != nil {
		mistakes = append(mistakes, s.Metrics.mistakes()...)
	}
	for i, n := range s.Notify {
		for _, m := range n.mistakes() {
			m.Path = strings.TrimSuffix(fmt.Sprintf("notify[%d].%s", i, m.Path), ".")
			mistakes = append(mistakes, m)
		}
	}
	return mistakes
}

func (m *Metrics) mistakes() []resource.Mistake {
	var mistakes []resource.Mistake
	if m.Listen == nil && m.Textfile == nil {
		mistakes = append(mistakes, resource.Mistake{Path: "metrics", Summary: "nowhere to put the figures", Hint: "Give listen or textfile."})
	}
	if m.Listen != nil {
		host, port, err := net.SplitHostPort(*m.Listen)
		addr, _ := netip.ParseAddr(host)
		switch {
		case err != nil || port == "" || host != "" && host != "localhost" && !addr.IsValid():
			mistakes = append(mistakes, resource.Mistake{Path: "metrics.listen", Summary: quote(*m.Listen) + " is no address with a port", Hint: `Write it as in "127.0.0.1:9586" or "[::1]:9586".`})
		case host != "localhost" && !addr.IsLoopback():
			mistakes = append(mistakes, resource.Mistake{Path: "metrics.listen", Summary: "others can reach " + *m.Listen, Hint: "The figures name clients and tunnels, and nobody is asked for a password. Listen on 127.0.0.1 unless a firewall stands before it.", Warning: true})
		}
	}
	if m.Textfile != nil && (!path.IsAbs(*m.Textfile) || path.Ext(*m.Textfile) != ".prom") {
		mistakes = append(mistakes, resource.Mistake{Path: "metrics.textfile", Summary: quote(*m.Textfile) + " is no file that node_exporter reads", Hint: `Write an absolute path that ends in .prom, as in "/var/lib/prometheus/node-exporter/vpnd.prom".`})
	}
	return mistakes
}

func (n Notify) mistakes() []resource.Mistake {
	if (n.Command == nil) == (n.URL == nil) {
		return []resource.Mistake{{Summary: "a notification is either a command or a url", Hint: `Give one of them, as in command = ["/usr/local/bin/tell", "vpn"].`}}
	}
	if n.URL != nil {
		if u, err := url.Parse(*n.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return []resource.Mistake{{Path: "url", Summary: "no address of a web service", Hint: `Write it as in "https://hooks.example.com/vpn".`}}
		}
		return nil
	}
	if len(n.Command) == 0 || !path.IsAbs(n.Command[0]) {
		return []resource.Mistake{{Path: "command", Summary: "the command is no absolute path", Hint: `Write a list that begins with one, as in ["/usr/local/bin/tell", "vpn"].`}}
	}
	return nil
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, "\n", `\n`) + `"` }
