package chain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"vpnd/internal/resource"
)

// A spec is a rule that must converge: what is read back after it was applied
// is what Normalize said, on both backends.
type spec struct {
	table  string
	hook   string
	rule   string
	family string // empty: both
	lacks  string // backends on which the kernel that the tests were written on refuses it
}

var specs = []spec{
	// Addresses.
	{"filter", "FORWARD", "-s 10.8.0.1 -j ACCEPT", "ip", ""},
	{"filter", "FORWARD", "-s 10.8.0.77/24 -d 10/8 -j ACCEPT", "ip", ""},
	{"filter", "FORWARD", "-s 10.8.0.0/255.255.255.0 -j ACCEPT", "ip", ""},
	{"filter", "FORWARD", "-s 10.8.0.1/255.0.255.0 -j ACCEPT", "ip", ""},
	{"filter", "FORWARD", "-s 0/0 -d 0.0.0.0/0 -j ACCEPT", "ip", ""},
	{"filter", "FORWARD", "-s 10.8.0.1,10.9.0.0/16 -d 10.1.0.1,10.2.0.1 -j ACCEPT", "ip", ""},
	{"filter", "FORWARD", "! -s 10.8.0.1 ! -d 10.9.0.0/16 -j DROP", "ip", ""},
	{"filter", "FORWARD", "--source 10.8.0.1 --dst 10.9.0.1 -j DROP", "ip", ""},
	{"filter", "FORWARD", "-s fd00:0:0::1 -j ACCEPT", "ip6", ""},
	{"filter", "FORWARD", "-s FD00:8::77/64 -d ::/0 -j ACCEPT", "ip6", ""},
	{"filter", "FORWARD", "-s fd00::1/ffff::ffff -j ACCEPT", "ip6", ""},
	{"filter", "FORWARD", "-s ::ffff:10.8.0.1,fd00::2 -d fe80::/10 -j ACCEPT", "ip6", ""},
	{"filter", "FORWARD", "-m iprange --src-range 10.8.0.5-10.8.0.9 ! --dst-range 10.9.0.1-10.9.0.2 -j ACCEPT", "ip", ""},
	{"filter", "FORWARD", "-m iprange --src-range fd00::5-fd00::9 -j ACCEPT", "ip6", ""},
	{"filter", "INPUT", "-m addrtype --dst-type LOCAL,BROADCAST -j ACCEPT", "ip", ""},
	{"filter", "INPUT", "-m addrtype ! --src-type local -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m addrtype --dst-type LOCAL --limit-iface-in -j ACCEPT", "", ""},
	// Interfaces.
	{"filter", "FORWARD", "-i tun+ -o eth0 -j ACCEPT", "", ""},
	{"filter", "FORWARD", "! -i tun0 ! -o eth+ -j ACCEPT", "", ""},
	{"filter", "FORWARD", "-i + -j ACCEPT", "", ""},
	{"filter", "FORWARD", "-m physdev --physdev-in eth0 --physdev-is-bridged -j ACCEPT", "", ""},
	// Protocols and ports.
	{"filter", "INPUT", "-p tcp --dport ssh -j ACCEPT", "", ""},
	{"filter", "INPUT", "-p tcp --dport=22 --sport 1024: -j ACCEPT", "", ""},
	{"filter", "INPUT", "-p TCP --dport http:https -j ACCEPT", "", ""},
	{"filter", "INPUT", "-p udp -m udp ! --dport 1194 -j DROP", "", ""},
	{"filter", "INPUT", "-p 6 -m tcp ! --sport :1023 -j DROP", "", ""},
	{"filter", "INPUT", "! -p udp -j DROP", "", ""},
	{"filter", "INPUT", "-p all -j DROP", "", ""},
	{"filter", "INPUT", "-p esp -j ACCEPT", "", ""},
	{"filter", "INPUT", "-p 50 -m esp --espspi 256:512 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-p ah -j ACCEPT", "ip", ""},
	{"filter", "INPUT", "-p gre -j ACCEPT", "", ""},
	{"filter", "INPUT", "-p 253 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-p sctp --dport 36412 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-p tcp --syn -j ACCEPT", "", ""},
	{"filter", "INPUT", "-p tcp ! --syn -m state --state NEW -j DROP", "", ""},
	{"filter", "INPUT", "-p tcp --tcp-flags ALL SYN,FIN -j DROP", "", ""},
	{"filter", "INPUT", "-p tcp --tcp-option 8 -j DROP", "", ""},
	{"filter", "INPUT", "-p tcp -m multiport --dports 80,ssh,1000:2000 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-p udp -m multiport ! --ports 53,123 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-p icmp --icmp-type echo-request -j ACCEPT", "ip", ""},
	{"filter", "INPUT", "-p icmp --icmp-type 3/4 -j ACCEPT", "ip", ""},
	{"filter", "INPUT", "-p icmp --icmp-type any -j ACCEPT", "ip", ""},
	{"filter", "INPUT", "-p icmp ! --icmp-type fragmentation-needed -j DROP", "ip", ""},
	{"filter", "INPUT", "-p icmpv6 --icmpv6-type neighbour-solicitation -j ACCEPT", "ip6", ""},
	{"filter", "INPUT", "-p ipv6-icmp --icmpv6-type packet-too-big -j ACCEPT", "ip6", ""},
	// States and connections.
	{"filter", "INPUT", "-m state --state RELATED,ESTABLISHED -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m conntrack --ctstate NEW,ESTABLISHED,RELATED -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m conntrack ! --ctstate INVALID,DNAT -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m conntrack --ctproto tcp --ctorigdstport 443 --ctdir ORIGINAL -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m conntrack --ctorigsrc 10.8.0.0/24 -j ACCEPT", "ip", ""},
	{"filter", "INPUT", "-m conntrack --ctexpire 5:60 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-p tcp --dport 22 -m connlimit --connlimit-above 3 -j DROP", "", ""},
	{"filter", "INPUT", "-m connbytes --connbytes 10000: --connbytes-dir both --connbytes-mode bytes -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m helper --helper ftp -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m policy --dir in --pol ipsec --proto esp --mode tunnel -j ACCEPT", "", ""},
	{"filter", "OUTPUT", "-m policy --dir out --pol none -j ACCEPT", "", ""},
	// Limits.
	{"filter", "INPUT", "-m limit --limit 3/minute --limit-burst 5 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m limit --limit 7/sec -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m limit -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m limit --limit 100/day --limit-burst 1 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m hashlimit --hashlimit-name ssh --hashlimit-above 10/min --hashlimit-mode srcip,dstport -j DROP", "", ""},
	{"filter", "INPUT", "-m hashlimit --hashlimit-upto 512kb/s --hashlimit-burst 1mb --hashlimit-name b -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m recent --name bad --rcheck --seconds 60 --hitcount 3 -j DROP", "", ""},
	{"filter", "INPUT", "-m recent --set", "", ""},
	{"filter", "INPUT", "-m quota --quota 1000000 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m statistic --mode random --probability 0.33 -j DROP", "", ""},
	{"filter", "INPUT", "-m statistic --mode nth --every 3 --packet 1 -j DROP", "", ""},
	// Marks.
	{"filter", "INPUT", "-m mark --mark 1 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m mark ! --mark 0x10/0xf0 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m connmark --mark 16/255 -j ACCEPT", "", ""},
	{"mangle", "PREROUTING", "-j MARK --set-mark 7", "", ""},
	{"mangle", "PREROUTING", "-j MARK --set-xmark 0x1/0xff", "", ""},
	{"mangle", "PREROUTING", "-j MARK --or-mark 8", "", ""},
	{"mangle", "PREROUTING", "-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff", "", ""},
	{"mangle", "PREROUTING", "-j CONNMARK --restore-mark", "", ""},
	// Comments and text.
	{"filter", "INPUT", `-m comment --comment office -j ACCEPT`, "", ""},
	{"filter", "INPUT", `-m comment --comment "the office's \"main\" net \\ more" -j ACCEPT`, "", ""},
	{"filter", "INPUT", `-m comment --comment "-j DROP -A INPUT" -j ACCEPT`, "", ""},
	{"filter", "INPUT", `-m comment --comment "Büro ☎" -j ACCEPT`, "", ""},
	{"filter", "INPUT", `-m comment --comment "` + strings.Repeat("x", 255) + `" -j ACCEPT`, "", ""},
	{"filter", "INPUT", `-m string --algo bm --string "GET /x y" --to 200 -j DROP`, "", ""},
	{"filter", "INPUT", `-m string --algo kmp --hex-string "|0d0a|end" --icase -j DROP`, "", ""},
	{"filter", "INPUT", `-j LOG --log-prefix "VPN drop: " --log-level 4 --log-tcp-options`, "", ""},
	{"filter", "INPUT", `-j LOG --log-level info --log-uid`, "", ""},
	{"filter", "INPUT", `-j NFLOG --nflog-group 5 --nflog-prefix "a b"`, "", ""},
	// Owners, time and packets.
	{"filter", "OUTPUT", "-m owner --uid-owner root -j ACCEPT", "", ""},
	{"filter", "OUTPUT", "-m owner ! --uid-owner 1000-2000 --gid-owner nogroup -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m time --timestart 08:00 --timestop 18:30 --weekdays Mon,Tue,Fri -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m time --datestart 2030-01-01 --monthdays 1,15 --kerneltz -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m length --length 100:200 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m pkttype --pkt-type multicast -j DROP", "", ""},
	{"filter", "INPUT", "-m mac --mac-source 02:ab:CD:00:00:01 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m ttl --ttl-lt 5 -j DROP", "ip", ""},
	{"filter", "INPUT", "-m hl --hl-eq 255 -j ACCEPT", "ip6", ""},
	{"filter", "INPUT", "-m tos --tos Minimize-Delay -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m dscp --dscp-class EF -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m u32 --u32 \"0>>22&0x3C@0>>16=0x50\" -j DROP", "", ""},
	{"filter", "INPUT", "-m cpu --cpu 0 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-f -j DROP", "ip", ""},
	{"filter", "INPUT", "-p tcp -m tcpmss --mss 1:500 -j DROP", "", ""},
	{"filter", "INPUT", "-m set --match-set office src,dst -j ACCEPT", "ip", ""},
	{"filter", "INPUT", "-m set ! --match-set office src --return-nomatch -j SET --add-set office src --exist --timeout 60", "ip", ""},
	{"filter", "INPUT", "-m ecn --ecn-ip-ect 1 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-p tcp -m ecn --ecn-tcp-ece -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m realm --realm 5 -j ACCEPT", "ip", ""},
	{"filter", "INPUT", "-m devgroup --src-group 7 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 7 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m connlabel --label 3 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-p tcp -m osf --genre Linux -j ACCEPT", "ip", ""},
	{"filter", "INPUT", "-p ipcomp -m ipcomp --ipcompspi 18:20 -j ACCEPT", "ip", ""},
	{"filter", "INPUT", "-p dccp --dport 5001 -j ACCEPT", "", ""},
	{"filter", "INPUT", "-p udplite -j ACCEPT", "", ""},
	{"filter", "INPUT", "-m cgroup --cgroup 1 -j ACCEPT", "", ""},
	{"filter", "INPUT", `-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0" -j ACCEPT`, "", ""},
	{"filter", "INPUT", "-m ipv6header --header hop,dst --soft -j DROP", "ip6", ""},
	{"filter", "INPUT", "-m rt --rt-type 0 -j DROP", "ip6", ""},
	{"filter", "INPUT", "-m frag --fragfirst -j DROP", "ip6", ""},
	{"filter", "INPUT", "-m hbh --hbh-len 8 -j DROP", "ip6", ""},
	{"filter", "INPUT", "-m eui64 -j DROP", "ip6", ""},
	{"filter", "INPUT", "-p mh --mh-type binding-refresh-request -j DROP", "ip6", ""},
	// What becomes of a packet.
	{"filter", "INPUT", "-j REJECT", "", ""},
	{"filter", "INPUT", "-p tcp -j REJECT --reject-with tcp-reset", "", ""},
	{"filter", "INPUT", "-j REJECT --reject-with icmp-admin-prohibited", "ip", ""},
	{"filter", "INPUT", "-j REJECT --reject-with adm-prohibited", "ip6", ""},
	{"filter", "INPUT", "-j RETURN", "", ""},
	{"filter", "INPUT", "-j NFQUEUE --queue-balance 0:3 --queue-bypass", "", ""},
	{"filter", "INPUT", "-j AUDIT --type drop", "", ""},
	{"filter", "INPUT", "-p tcp -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460", "", ""},
	{"filter", "INPUT", "-p tcp", "", ""},
	{"mangle", "FORWARD", "-p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu", "", ""},
	{"mangle", "FORWARD", "-p tcp --syn -o tun+ -j TCPMSS --set-mss 1360", "", ""},
	{"mangle", "POSTROUTING", "-j DSCP --set-dscp-class AF41", "", ""},
	{"mangle", "POSTROUTING", "-j TOS --set-tos 0x10", "", ""},
	{"mangle", "PREROUTING", "-j TTL --ttl-inc 1", "ip", ""},
	{"mangle", "PREROUTING", "-j HL --hl-set 64", "ip6", ""},
	{"mangle", "POSTROUTING", "-j CLASSIFY --set-class 1:10", "", ""},
	{"mangle", "POSTROUTING", "-p udp -j CHECKSUM --checksum-fill", "", ""},
	{"mangle", "PREROUTING", "-p tcp -m socket --transparent -j ACCEPT", "", ""},
	{"mangle", "PREROUTING", "-p tcp --dport 80 -j TPROXY --on-port 3129 --tproxy-mark 0x1/0x1", "", ""},
	{"mangle", "PREROUTING", "-j TEE --gateway 10.8.0.9", "ip", ""},
	{"mangle", "PREROUTING", "-m rpfilter --invert -j DROP", "", ""},
	{"nat", "POSTROUTING", "-o eth0 -j MASQUERADE", "", ""},
	{"nat", "POSTROUTING", "-p udp -j MASQUERADE --to-ports 1024-2048 --random", "", ""},
	{"nat", "POSTROUTING", "-o eth0 -j MASQUERADE --random-fully", "", ""},
	{"nat", "POSTROUTING", "-j SNAT --to-source 192.0.2.1", "ip", ""},
	{"nat", "POSTROUTING", "-p tcp -j SNAT --to-source 192.0.2.1-192.0.2.9:1000-2000 --persistent", "ip", ""},
	{"nat", "POSTROUTING", "-p tcp -j SNAT --to-source [2001:db8::1]:1000-2000", "ip6", ""},
	{"nat", "POSTROUTING", "-j SNAT --to-source 2001:db8::1-2001:db8::9", "ip6", ""},
	{"nat", "PREROUTING", "-p tcp --dport 80 -j DNAT --to-destination 10.8.0.2:8080", "ip", ""},
	{"nat", "PREROUTING", "-p tcp --dport 80 -j DNAT --to-destination 10.8.0.2-10.8.0.4:80-90", "ip", ""},
	{"nat", "PREROUTING", "-j DNAT --to 10.8.0.2", "ip", ""},
	{"nat", "PREROUTING", "-p tcp --dport 80 -j DNAT --to-destination [fd00::2]:8080", "ip6", ""},
	{"nat", "PREROUTING", "-p udp --dport 53 -j REDIRECT --to-ports 5353", "", ""},
	{"nat", "PREROUTING", "-d 10.8.0.0/24 -j NETMAP --to 10.9.0.0/24", "ip", ""},
	{"nat", "INPUT", "-j SNAT --to-source 127.0.0.9", "ip", ""},
	{"raw", "PREROUTING", "-j NOTRACK", "", ""},
	{"raw", "PREROUTING", "-j CT --notrack", "", ""},
	{"raw", "PREROUTING", "-j CT --zone 7", "", ""},
	{"raw", "OUTPUT", "-j TRACE", "", ""},
	{"mangle", "PREROUTING", "-j DNPT --src-pfx fd00::/64 --dst-pfx fd01::/64", "ip6", ""},
	{"mangle", "PREROUTING", "-j IDLETIMER --timeout 5 --label vpnd", "", ""},
	{"mangle", "PREROUTING", "-j HMARK --hmark-tuple src,dst --hmark-mod 10 --hmark-rnd 1", "", ""},
	{"mangle", "PREROUTING", "-j RATEEST --rateest-name vpnd --rateest-interval 250ms --rateest-ewmalog 500ms", "", ""},
	{"mangle", "PREROUTING", "-p tcp -j TCPOPTSTRIP --strip-options timestamp", "", ""},
	{"mangle", "PREROUTING", "-p tcp -j ECN --ecn-tcp-remove", "ip", ""},
	// What this kernel was built without.
	{"filter", "INPUT", "-m ipvs --ipvs -j ACCEPT", "", "nft legacy"},
	{"filter", "INPUT", "-j LED --led-trigger-id vpnd", "", "nft legacy"},
}

func TestEveryRuleConverges(t *testing.T) {
	everywhere(t, func(r room) {
		makeSet(r.T, "office")
		wants := make(map[string]*Chain)
		for i, s := range specs {
			if s.family != "" && s.family != r.family {
				continue
			}
			name := r.name(fmt.Sprintf("%s/VPND-%03d", s.table, i))
			want := wishFor(s.hook, "", s.rule)
			if slices.Contains(strings.Fields(s.lacks), r.Backend) {
				refuses(r, name, want)
				continue
			}
			wants[name] = want
		}
		r.converge(wants)
	})
}

// refuses asserts that the kernel refuses a rule, so that a list of what a
// kernel lacks can't hide what it has.
func refuses(r room, name string, want *Chain) {
	r.Helper()
	_, err := r.Normalize(context.Background(), map[string]*Chain{name: want})
	var named *resource.NameError
	if !errors.As(err, &named) || named.Name != name || !strings.Contains(err.Error(), "rules[0]") {
		r.Errorf("%v: %v; want the rule refused", want.Rules, err)
		return
	}
	r.Logf("this kernel lacks it: %v", err)
}

func makeSet(t *testing.T, name string) {
	t.Helper()
	if err := netlink.IpsetCreate(name, "hash:ip", netlink.IpsetCreateOptions{Family: unix.AF_INET}); err != nil {
		t.Fatal(err)
	}
}
