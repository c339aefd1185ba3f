package system

// driftHost is what the host of the drifts is, besides the office's gateway.
const driftHost = `
vpnd { interval = "1h" } # so that what is noticed is noticed by an event
sysctl "net.ipv6.conf.all.forwarding" { value = "1" }
sysctl "net.ipv4.conf.eth0.rp_filter" { value = "2" }
sysctl "net.ipv4.tcp_syncookies" { value = "2" }
chain "ip/filter/VPND-DOOR" {
  hook  = "INPUT"
  at    = "bottom"
  rules = ["-s 192.0.2.0/24 -p tcp -m comment --comment door -j ACCEPT", "-i lo -j ACCEPT"]
}
chain "ip6/filter/VPND-DOOR" {
  hook  = "INPUT"
  rules = ["-s 2001:db8::/32 -p tcp -j ACCEPT"]
}
directory "/etc/drift" {}
file "/etc/drift/plain" {
  content    = "mine\n"
  depends_on = [directory["/etc/drift"]]
}
secret_file "/etc/drift/psk" {
  content    = "hush\n"
  depends_on = [directory["/etc/drift"]]
}
tun "tun7" {
  addresses = ["10.77.0.1/24"]
  mtu       = 1400
}
route "10.78.0.0/16" {
  dev = tun.tun7.name
  via = "10.77.0.2"
}
file "/etc/systemd/system/drift.service" {
  content   = "[Service]\nExecStart=/bin/sh -c 'test ! -e /run/broken && exec sleep infinity'\nRestart=on-failure\n[Install]\nWantedBy=multi-user.target\n"
  on_change = [unit["drift.service"]]
}
unit "drift.service" {
  enabled    = true
  active     = true
  dropin "nice" { content = "[Service]\nNice=5\n" }
  other_dropins = {}
  depends_on = [file["/etc/systemd/system/drift.service"]]
}
package "socat" {}
`

// bystander has a program write tables that nobody asked vpnd for, before what
// comes, and again by $by.
const bystander = `cp /usr/sbin/nft /run/bystander; by="/run/bystander add table inet foo; add table ip foo; delete table ip foo; delete table inet foo"; $by; $by; `

// drifts are all kinds of drift.
func drifts() []drift {
	const (
		nat     = `chain["ip/nat/VPND-GW-office"]`
		door    = `chain["ip/filter/VPND-DOOR"]`
		door6   = `chain["ip6/filter/VPND-DOOR"]`
		forward = `sysctl["net.ipv4.ip_forward"]`
		plain   = `file["/etc/drift/plain"]`
		tun7    = "tun.tun7"
		route78 = `route["10.78.0.0/16"]`
		service = `unit["drift.service"]`
		server  = `unit["openvpn-server@office.service"]`
		pki     = "/var/lib/vpnd/pki/office"
		lost    = "put it back, and all is well; vpnd apply makes a new one, and then every certificate that it signed is void"
		theirs  = "/etc/systemd/system/openvpn-server@office.service.d"
	)
	return []drift{
		{does: "iptables -t nat -F", id: nat, by: "iptables"},
		{does: "nft flush table ip nat", id: nat, by: "nft"},
		{does: bystander + "iptables -t nat -F; $by", id: nat, by: "iptables", notBy: "bystander"},
		{does: bystander + "ip6tables -F; $by", id: door6, by: "ip6tables", notBy: "bystander"},
		{does: "nft flush ruleset", id: door, by: "nft"},
		{does: "iptables -R VPND-DOOR 1 -p tcp -m comment --comment door -j ACCEPT", id: door, by: "iptables", moved: `-s 192.0.2.0/24`},
		{does: "iptables -D INPUT -m comment --comment vpnd-bottom -j VPND-DOOR", id: door, by: "iptables", moved: `hook INPUT`},
		{does: "iptables -I VPND-DOOR -j DROP", id: door, by: "iptables", moved: "-j DROP"},
		{does: `printf '*filter\n-D INPUT -m comment --comment vpnd-bottom -j VPND-DOOR\n-F VPND-DOOR\n-X VPND-DOOR\nCOMMIT\n' | iptables-restore --noflush`, id: door, by: "iptables"},
		{does: "ip6tables -F", id: door6, by: "ip6tables"},

		{does: "sysctl -q -w net.ipv4.ip_forward=0", id: forward, moved: `value 0 instead of 1`},
		{does: "echo 0 >/proc/sys/net/ipv4/conf/all/forwarding", id: forward, moved: `value 0 instead of 1`},
		{does: "echo 1 >/proc/sys/net/ipv4/tcp_syncookies", id: `sysctl["net.ipv4.tcp_syncookies"]`, moved: `value 1 instead of 2`},
		{does: "sysctl -q -w net.ipv4.conf.eth0.rp_filter=0", id: `sysctl["net.ipv4.conf.eth0.rp_filter"]`, moved: `value 0 instead of 2`},
		{does: "sysctl -q -w net.ipv6.conf.all.forwarding=0", id: `sysctl["net.ipv6.conf.all.forwarding"]`, moved: `value 0 instead of 1`},
		{does: "sed -i 's/= 0/= 1/' /etc/sysctl.d/*ip_forward*", id: forward, moved: `boot 1 instead of 0`},
		{does: "mv /run/sysctl.d /run/gone; rm -r /run/gone", id: forward, moved: `1`},

		{does: "echo more >>/etc/drift/plain", id: plain, moved: `more`},
		{does: "echo other >/etc/drift/.new; mv /etc/drift/.new /etc/drift/plain", id: plain, moved: `other`},
		{does: "chmod 0666 /etc/drift/plain", id: plain, moved: `mode 0666 instead of 0644`},
		{does: "chown nobody /etc/drift/plain", id: plain, moved: `owner nobody instead of root`},
		{does: "rm /etc/drift/plain", id: plain, moved: `mine`},
		{does: "ln -sf /etc/hostname /etc/drift/plain", id: plain},
		// In one process, and again, since the agent may be quicker than a second one.
		{does: `perl -e 'for (1..20) { unlink "/etc/drift/plain"; mkdir "/etc/drift/plain" and exit } exit 1'`, stays: "a directory stands where the file shall be", undo: "rmdir /etc/drift/plain"},
		{does: "mv /etc/drift /etc/adrift", id: `directory["/etc/drift"]`},
		{does: "rm -r /etc/adrift; chmod 0700 /etc/drift", id: `directory["/etc/drift"]`, moved: `mode 0700 instead of 0755`},
		{does: "chmod 0644 /etc/drift/psk", id: `secret_file["/etc/drift/psk"]`, moved: `mode 0644 instead of 0600`},
		{does: "chmod 0644 /etc/openvpn/server/office/server.key", id: `assembled_file["/etc/openvpn/server/office/server.key"]`, moved: `mode 0644 instead of 0600`},
		{does: "echo told >/etc/drift/psk", id: `secret_file["/etc/drift/psk"]`, moved: `(sensitive)`},

		{does: "ip link del tun7", id: tun7},
		{does: "ip addr del 10.77.0.1/24 dev tun7", id: tun7, moved: "10.77.0.1/24"},
		{does: "ip addr add 10.77.9.9/32 dev tun7", id: tun7, moved: "10.77.9.9/32"},
		{does: "ip link set tun7 mtu 1300", id: tun7, moved: `mtu 1300 instead of 1400`},
		{does: "ip link set tun7 down", id: tun7, moved: `up false instead of true`},
		{does: "ip route del 10.78.0.0/16", id: route78},
		{does: "ip route replace 10.78.0.0/16 via 10.77.0.3", id: route78, moved: `10.77.0.3`},

		{does: "systemctl stop drift", id: service, moved: `active false instead of true`},
		// It fails so often that systemd starts it no more.
		{does: "touch /run/broken; systemctl kill -s KILL drift; for i in $(seq 400); do systemctl is-failed -q drift && break; sleep 0.05; done; rm /run/broken", id: service, again: true, moved: `active false instead of true`},
		{does: "systemctl kill -s KILL openvpn-server@office", id: server, moved: `active false instead of true`},
		{does: "systemctl mask -q openvpn-server@office", id: server, moved: `enabled false instead of true`},
		{does: "rm /etc/systemd/system/multi-user.target.wants/drift.service", id: service, moved: `enabled false instead of true`},
		{does: "systemctl disable -q drift", id: service, moved: `enabled false instead of true`},
		{does: "sed -i s/5/6/ /etc/systemd/system/drift.service.d/nice.conf", id: service, moved: "Nice=6"},
		{does: "printf '[Service]\\nNice=7\\n' >/etc/systemd/system/drift.service.d/theirs.conf", id: service, moved: `/etc/systemd/system/drift.service.d/theirs.conf`},
		// Written elsewhere first, since the agent may be quicker than the script.
		{does: "mkdir -p /run/theirs && printf '[Unit]\\nDescription=theirs\\n' >/run/theirs/x.conf && mv /run/theirs /run/systemd/system/drift.service.d", id: service, moved: `/run/systemd/system/drift.service.d/x.conf`},
		{does: "mkdir -p " + theirs + " && echo '[Service]' >" + theirs + "/theirs.conf", stays: theirs + "/theirs.conf", undo: "rm " + theirs + "/theirs.conf; rmdir --ignore-fail-on-non-empty " + theirs},
		{does: "sed -i s/infinity/1000/ /etc/systemd/system/drift.service", id: `file["/etc/systemd/system/drift.service"]`, moved: "1000"},

		{does: "cp " + pki + "/certs/tpham.crt " + pki + "/certs/server.crt", id: `certificate["` + pki + `/certs/server.crt"]`, anew: true},
		{does: "rm " + pki + "/crl.pem", id: `crl["` + pki + `/crl.pem"]`, anew: true},
		{does: "chmod 0644 " + pki + "/ca.key", id: `private_key["` + pki + `/ca.key"]`, moved: `mode 0644 instead of 0600`},
		// Not even the directories are made anew, and all else is kept meanwhile.
		{does: "mv /var/lib/vpnd/pki /root; iptables -t nat -F", stays: lost, undo: "for i in $(seq 600); do iptables -t nat -S POSTROUTING | grep -q VPND-GW-office && break; sleep 0.1; done; sleep 1; iptables -t nat -S POSTROUTING | grep -q VPND-GW-office && test ! -e /var/lib/vpnd/pki && mv /root/pki /var/lib/vpnd"},
		{does: "mv " + pki + "/ca.key " + pki + "/keys/server.key /root", stays: lost, undo: "sleep 1; test ! -e " + pki + "/ca.key && test ! -e " + pki + "/keys/server.key && mv /root/server.key " + pki + "/keys && mv /root/ca.key " + pki},
		{does: "rm " + pki + "/keys/server.key", id: `private_key["` + pki + `/keys/server.key"]`, anew: true},
		{does: "rm /var/lib/vpnd/profiles/office/tpham.ovpn", id: `assembled_file["/var/lib/vpnd/profiles/office/tpham.ovpn"]`},
		{does: "apt-get purge -q -y socat", id: "package.socat", moved: `installed false instead of true`},
	}
}

// legacyDrifts are those of the old iptables, of which the kernel tells nothing.
var legacyDrifts = []drift{
	{does: "iptables -t nat -F", id: `chain["ip/nat/VPND-GW-office"]`},
	{does: "iptables -R VPND-DOOR 1 -p tcp -m comment --comment door -j ACCEPT", id: `chain["ip/filter/VPND-DOOR"]`, moved: "-s 192.0.2.0/24"},
	{does: "ip6tables -F", id: `chain["ip6/filter/VPND-DOOR"]`},
}
