package view

import (
	"cmp"
	"fmt"
	"strings"

	"vpnd/internal/status"
)

// tunnels tells of each tunnel in a line, and in a second one what goes through it.
func (v View) tunnels(all []status.Tunnel) {
	v.section("Tunnels", len(all))
	for _, t := range all {
		v.printf("  %s: %s", Printable(t.Called()), condition(t))
		if t.Block != t.ID.String() {
			v.printf(" (%s)", t.Block)
		}
		if why := cmp.Or(t.Error, t.Why); why != "" {
			v.printf(": %s", Printable(why))
		}
		v.printf("\n")
		if words := traffic(t); words != "" {
			v.printf("      %s\n", Printable(words))
		}
	}
}

// condition says how a tunnel stands.
func condition(t status.Tunnel) string {
	switch {
	case t.Error != "":
		return "nobody knows"
	case !t.Up && !t.DownSince.IsZero() && !t.OnDemand:
		return "down since " + moment(t.DownSince)
	case !t.Up:
		return "down"
	case !t.Attached:
		return "switched on, but no program serves it"
	case !t.Since.IsZero():
		return "up since " + moment(t.Since)
	}
	return "up"
}

// traffic says with whom a tunnel is, what goes through it, and when its keys change.
func traffic(t status.Tunnel) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if t.Peer != "" {
		add("peer %s", t.Peer)
	}
	switch local, remote := networks(t.Local), networks(t.Remote); {
	case local != "" && remote != "":
		add("%s ↔ %s", local, remote)
	case local+remote != "":
		add("%s", local+remote)
	}
	if t.In|t.Out > 0 || t.Up && !t.Since.IsZero() {
		add("in %s, out %s", bytes(t.In), bytes(t.Out))
	}
	if !t.Handshake.IsZero() {
		add("handshake %s", moment(t.Handshake))
	}
	if t.Up && !t.Rekey.IsZero() {
		add("new keys %s", moment(t.Rekey))
	}
	return strings.Join(parts, "; ")
}

// mostNetworks is how many networks of a side a line names.
const mostNetworks = 4

func networks(all []string) string {
	words := strings.Join(all[:min(len(all), mostNetworks)], ", ")
	if more := len(all) - mostNetworks; more > 0 {
		words += fmt.Sprintf(" and %d more", more)
	}
	return words
}

// bytes is a number of bytes in the units of the SI, as interfaces are measured in.
func bytes(n uint64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n), -1
	for value >= 999.95 && unit < len("kMGTPE")-1 {
		value, unit = value/1000, unit+1
	}
	return fmt.Sprintf("%.1f %cB", value, "kMGTPE"[unit])
}
