package ssh

import (
	"fmt"
	"net"
	"strings"
	"time"

	kindssh "vpnd/internal/kind/ssh"
	"vpnd/internal/resource"
)

// settled is a tunnel that Validate has nothing against, taken apart.
type settled struct {
	*Tunnel
	place kindssh.Place
	name  string
	host  string
	port  string
	keys  []string // of the peer, without comments
}

func (t *Tunnel) settle(name string) settled {
	s := settled{Tunnel: t, place: kindssh.Place(name), name: name}
	s.host, s.port = address(resource.Or(t.Host, ""))
	for _, line := range t.hostKeys() {
		if key, _, err := kindssh.ParsePublic(line); err == nil {
			s.keys = append(s.keys, key)
		}
	}
	return s
}

// address takes a host and its port apart; IPv6 has brackets where a port follows.
func address(text string) (host, port string) {
	if host, port, err := net.SplitHostPort(text); err == nil {
		return host, port
	}
	return strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"), "22"
}

func (t *Tunnel) hostKeys() []string {
	if t.HostKey != nil {
		return append([]string{*t.HostKey}, t.HostKeys...)
	}
	return t.HostKeys
}

func (s settled) peer() string {
	return resource.Or(s.User, "") + "@" + net.JoinHostPort(s.host, s.port)
}

func header(block string) string {
	return fmt.Sprintf("# Made by vpnd for %s; edits are undone. Change /etc/vpnd instead.\n", block)
}

func (s settled) header() string { return header("ssh_tunnel." + s.name) }

// alias is what the peer is called in the pinned list of host keys, so that neither
// its address nor its port matter there.
func (s settled) alias() string { return s.place.User() }

func (s settled) knownHostsText() string {
	var b strings.Builder
	b.WriteString(s.header())
	for _, key := range s.keys {
		fmt.Fprintf(&b, "%s %s\n", s.alias(), key)
	}
	return b.String()
}

// seconds writes a duration as ssh_config(5) wants it.
func seconds(d *resource.Duration, otherwise time.Duration) int64 {
	return resource.Or(d, resource.Duration(otherwise)).Seconds()
}

// unanswered is how many signs of life may be missed.
const unanswered = 3

func (t *Tunnel) keepalive() int64 { return seconds(t.Keepalive, 3*time.Second) }

// configText is the configuration of ssh, ssh_config(5). Every option that could let
// something else decide is given, also where its default is the same today.
func (s settled) configText() string {
	var b strings.Builder
	b.WriteString(s.header())
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("HostName %s", s.host)
	line("Port %s", s.port)
	line("User %s", resource.Or(s.User, ""))
	line("\n# Who the peer is.")
	line("HostKeyAlias %s", s.alias())
	line("UserKnownHostsFile %s", s.place.KnownHosts())
	b.WriteString(pinned)
	line("\n# Who we are.")
	line("IdentityFile %s", s.credential())
	b.WriteString(identity)
	line("\n# When it is over.")
	line("ServerAliveInterval %d", s.keepalive())
	line("ServerAliveCountMax %d", unanswered)
	line("ConnectTimeout %d", seconds(s.ConnectTimeout, 10*time.Second))
	b.WriteString(lively)
	line("\n# What it is for, and nothing else.")
	b.WriteString(nothingElse)
	line("ControlMaster yes")
	line("ControlPath %s", s.place.Control())
	line("StreamLocalBindMask %04o", 0o777&^uint32(resource.Or(s.SocketMode, 0o600)))
	for _, l := range s.Locals {
		line("# probe %s", probe(l)) // which vpnd reads where it has nothing else to go by
		line("LocalForward %s %s", end(l.Listen, false), end(l.To, false))
	}
	for _, r := range s.Remotes {
		line("RemoteForward %s %s", end(r.Listen, true), end(r.To, false))
	}
	for _, d := range s.Socks {
		line("DynamicForward %s", end(d.Listen, false))
	}
	return b.String()
}

// probe is how often a port is tried.
func probe(l Local) resource.Duration { return resource.Or(l.Probe, resource.Duration(time.Minute)) }

const (
	pinned = `GlobalKnownHostsFile none
StrictHostKeyChecking yes
VerifyHostKeyDNS no
UpdateHostKeys no
CheckHostIP no
CanonicalizeHostname no
ProxyCommand none
`
	identity = `IdentitiesOnly yes
IdentityAgent none
PreferredAuthentications publickey
PasswordAuthentication no
HostbasedAuthentication no
BatchMode yes
`
	lively = `TCPKeepAlive yes
ConnectionAttempts 1
ExitOnForwardFailure yes
LogLevel VERBOSE
`
	nothingElse = `ForwardAgent no
ForwardX11 no
PermitLocalCommand no
RequestTTY no
EscapeChar none
Tunnel no
ControlPersist no
StreamLocalBindUnlink yes
`
)

// end writes where a forward listens or leads to.
func end(text *string, bare bool) string {
	e, err := kindssh.ParseEnd(resource.Or(text, ""), bare)
	if err != nil {
		return "invalid" // which Validate does not let through
	}
	return e.String()
}

// credential is where systemd puts the private key for the unit alone, systemd.exec(5).
func (s settled) credential() string { return "/run/credentials/" + s.place.Unit() + "/key" }

// backoff lengthens the pause by a second with each attempt, up to three, which systemd
// counts until somebody starts the unit anew. With the two of RestartSec a key that is
// refused is shown every five seconds at most, which is what PerSourcePenalties of
// sshd_config(5) takes for one; and with the ten of ConnectTimeout, whose last question
// is asked after seven, a peer that is back is still found within ten. RestartSteps
// would say the same, which systemd has only since version 254.
const backoff = `-/bin/sh -c 'n=$$(timeout 2 systemctl show --property=NRestarts --value %n); sleep $$((n < 1 ? 0 : n < 4 ? n - 1 : 3))'`

// unitText is the unit. It is never given up: what ssh can't do by being tried again
// the status tells.
func (s settled) unitText() string {
	var b strings.Builder
	b.WriteString(s.header())
	fmt.Fprintf(&b, `[Unit]
Description=SSH tunnel %[1]s to %[2]s
Documentation=man:vpnd.hcl(5) man:ssh(1)
Wants=network-online.target
After=network-online.target nss-lookup.target
StartLimitIntervalSec=0

[Service]
User=%[3]s
LoadCredential=key:%[4]s
RuntimeDirectory=%[3]s
RuntimeDirectoryMode=%[5]s
ExecStartPre=%[8]s
ExecStart=/usr/bin/ssh -N -T -F %[6]s -- %[7]s
Restart=always
RestartSec=%[9]ds
`, s.name, s.peer(), s.place.User(), s.keyOf(s.name), s.directoryMode(), s.place.Config(), s.alias(), backoff, seconds(s.Retry, 2*time.Second))
	b.WriteString(sandbox)
	if s.lowPort() {
		b.WriteString("CapabilityBoundingSet=CAP_NET_BIND_SERVICE\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n")
	} else {
		b.WriteString("CapabilityBoundingSet=\n")
	}
	b.WriteString("\n[Install]\nWantedBy=multi-user.target\n")
	return b.String()
}

// directoryMode lets others reach the sockets that are theirs to connect to.
func (s settled) directoryMode() string {
	switch mode := resource.Or(s.SocketMode, 0o600); {
	case mode&0o007 != 0:
		return "0755"
	case mode&0o070 != 0:
		return "0750"
	}
	return "0700"
}

// lowPort says whether it listens at a port that is root's.
func (s settled) lowPort() bool {
	for _, at := range s.listens() {
		if e, err := kindssh.ParseEnd(at, false); err == nil && e.Path == "" && e.Port < 1024 {
			return true
		}
	}
	return false
}

// sandbox leaves ssh the network and what it reads.
const sandbox = `
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@resources @privileged
KeyringMode=private
RemoveIPC=yes
UMask=0077
`
