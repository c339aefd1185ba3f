// Package system holds tests of the whole: the real vpnd on real hosts of the
// lab, with systemd, iptables and OpenVPN, and what people do to such hosts.
package system
