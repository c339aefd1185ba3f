package chain

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/kind/chain/xtables"
	"vpnd/internal/nettest"
)

// hand is what people write, in all the ways that iptables reads: where a rule
// stands, and the rules, those of one family alone behind 4 or 6.
var hand = map[string]string{
	"filter INPUT": `
-p tcp --dport 22 -j ACCEPT
-p tcp --dport ssh -j ACCEPT
-p 6 --dport 22 -j ACCEPT
-p TCP --destination-port 22 -j ACCEPT
-p tcp --dport=22 -jACCEPT
-p tcp -m tcp --dport 22 -j ACCEPT
-p tcp --dport 1000: -j ACCEPT
-p tcp --dport :1000 -j ACCEPT
-p tcp --dport : -j ACCEPT
-p tcp ! --dport : -j ACCEPT
-p tcp ! --sport : -j DROP
-p tcp --sport 0:65535 --dport 0:65535 -j DROP
-p tcp ! --sport :1023 -j DROP
-p tcp ! --dport 1024: -j DROP
-p tcp ! --dport 22 ! --sport 22 -j DROP
-p udp --dport 1194 -j ACCEPT
-p udp --sport 53 --dport 1024:65535 -j ACCEPT
-p udp --dport : -j ACCEPT
-p udp ! --dport : -j ACCEPT
-p udp ! --sport : -j ACCEPT
-p udp -j REJECT
! -p udp -j DROP
-p all -j DROP
-p 0 -j DROP
-p 253 -j DROP
-p gre -j ACCEPT
-p esp -j ACCEPT
-p esp -m esp --espspi 256 -j ACCEPT
-p esp -m esp ! --espspi 1:10 -j ACCEPT
-p esp -m esp --espspi : -j ACCEPT
-p esp -m esp ! --espspi : -j DROP
-p ipcomp -m ipcomp --ipcompspi : -j ACCEPT
-p ipcomp -m ipcomp --ipcompspi 7 -j ACCEPT
-p ipcomp -m ipcomp ! --ipcompspi : -j ACCEPT
4 -p ah -m ah --ahspi 1:2 -j ACCEPT
4 -p ah -m ah --ahspi : -j ACCEPT
4 -p ah -m ah ! --ahspi : -j DROP
6 -m ah --ahspi 1 -j ACCEPT
6 -m ah ! --ahspi : -j DROP
6 -p ipv6-mh -m mh --mh-type 5 -j ACCEPT
6 -p ipv6-mh -m mh ! --mh-type : -j DROP
6 -p ipv6-mh -m mh --mh-type : -j DROP
6 -m rt --rt-type 0 -j DROP
6 -m rt --rt-type 0 --rt-segsleft 1:3 -j DROP
6 -m rt --rt-type 0 ! --rt-segsleft : -j DROP
6 -m rt --rt-type 0 --rt-len 22 -j DROP
6 -m frag --fragid 1 -j DROP
6 -m frag ! --fragid : -j DROP
6 -m frag --fragid : -j DROP
6 -m frag --fraglast -j DROP
6 -m frag --fragmore --fragid 1:42 -j DROP
6 -m dst --dst-len 8 -j DROP
6 -m hbh --hbh-len 8 -j DROP
6 -m ipv6header --header dst --soft -j DROP
6 -m hl --hl-eq 1 -j DROP
6 -m hl ! --hl-eq 255 -j DROP
6 -m eui64 -j DROP
-p sctp --dport 36412 -j ACCEPT
-p sctp -m sctp ! --dport : -j DROP
-p sctp --chunk-types any INIT,DATA:be -j DROP
-p dccp --dport 100:200 -j ACCEPT
-p dccp -m dccp ! --dccp-types REQUEST,RESPONSE -j DROP
-p dccp -m dccp ! --sport : -j DROP
-p udplite -m multiport --dports 5 -j ACCEPT
-p tcp --syn -j ACCEPT
-p tcp ! --syn -j DROP
-p tcp --tcp-flags ALL NONE -j DROP
-p tcp --tcp-flags FIN,SYN FIN,SYN -j DROP
-p tcp ! --tcp-flags ALL ACK -j DROP
-p tcp --tcp-option 8 -j DROP
-p tcp ! --tcp-option 255 -j DROP
-p tcp -m multiport --dports 22,80,443 -j ACCEPT
-p tcp -m multiport --ports 22,1000:2000 -j ACCEPT
-p udp -m multiport ! --sports 53,123 -j DROP
-p tcp -m tcpmss --mss 500 -j DROP
-p tcp -m tcpmss ! --mss 1:500 -j DROP
-p tcp -m ecn --ecn-tcp-cwr -j DROP
-p tcp -m osf --genre Linux --ttl 0 -j ACCEPT
4 -p icmp -j ACCEPT
4 -p icmp --icmp-type any -j ACCEPT
4 -p icmp --icmp-type 8 -j ACCEPT
4 -p icmp --icmp-type echo-request -j ACCEPT
4 -p icmp ! --icmp-type 3/4 -j DROP
4 -p icmp --icmp-type fragmentation-needed -j ACCEPT
6 -p icmpv6 --icmpv6-type 135 -j ACCEPT
6 -p ipv6-icmp --icmpv6-type neighbour-advertisement -j ACCEPT
6 -p icmpv6 ! --icmpv6-type 1/4 -j DROP
-i lo -j ACCEPT
-i + -j ACCEPT
! -i + -j DROP
-i tun+ -j ACCEPT
! -i eth0 -j DROP
--in-interface eth0.100 -j ACCEPT
4 -s 10.8.0.1 -j ACCEPT
4 -s 10.8.0.77/24 -j ACCEPT
4 -s 10.8.0.0/255.255.255.0 -j ACCEPT
4 -s 10.8.0.1/255.0.255.0 -j ACCEPT
4 -s 0/0 -d 0.0.0.0/0 -j ACCEPT
4 -s 10/8 -j ACCEPT
4 -s 10.8.0.1,10.8.0.9 -d 10.9.0.0/16,10.10.0.0/16 -j ACCEPT
4 ! -s 10.8.0.1 ! -d 10.0.0.0/8 -j DROP
4 ! -s 0/0 -j DROP
4 --src 10.8.0.1 --dst 10.8.0.2 -j DROP
4 --source 127.1 -j DROP
6 -s fd00::1 -j ACCEPT
6 -s fd00::77/64 -j ACCEPT
6 -s ::/0 -d ::/0 -j ACCEPT
6 ! -s ::/0 -j DROP
6 -s fd00::1,fd00::2 -d fd00:1::/64,fd00:2::/64 -j ACCEPT
6 -s fd00::1/ffff::ffff -j ACCEPT
6 -d ::ffff:10.8.0.1 -j DROP
4 -f -j DROP
4 ! -f -j ACCEPT
-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-m conntrack --ctstate established,related -j ACCEPT
-m conntrack ! --ctstate NEW -j ACCEPT
-m conntrack --ctstate DNAT,INVALID -j DROP
-m conntrack --ctproto 6 --ctdir ORIGINAL -j ACCEPT
-m conntrack --ctexpire 1:2 -j ACCEPT
-m conntrack ! --ctexpire 0: -j ACCEPT
-m conntrack --ctstatus ASSURED,CONFIRMED -j ACCEPT
-m conntrack --ctorigdstport 80 -j ACCEPT
-m conntrack ! --ctorigsrcport 1:2 -j ACCEPT
-m state --state NEW -j ACCEPT
-m state ! --state NEW,INVALID -j ACCEPT
-m limit --limit 3/s -j ACCEPT
-m limit --limit 3/minute --limit-burst 10 -j ACCEPT
-m limit -j ACCEPT
-m hashlimit --hashlimit 1/min --hashlimit-name logins --hashlimit-mode srcip -j ACCEPT
-m hashlimit --hashlimit-above 512kb/s --hashlimit-name bytes --hashlimit-burst 1mb -j DROP
-p tcp --dport 22 -m connlimit --connlimit-above 3 -j DROP
-p tcp --dport 22 -m connlimit --connlimit-upto 3 --connlimit-daddr -j ACCEPT
-m connbytes --connbytes 1000: --connbytes-dir both --connbytes-mode bytes -j DROP
-m connbytes ! --connbytes 1000:2000 --connbytes-dir reply --connbytes-mode avgpkt -j DROP
-m connlabel --label 3 -j ACCEPT
-m connmark --mark 0x10/0xff -j ACCEPT
-m mark --mark 1 -j ACCEPT
-m mark ! --mark 0x1/0x1 -j ACCEPT
-m recent --set
-m recent --name bad --rcheck --seconds 60 --hitcount 3 -j DROP
-m recent --name bad --update --reap --seconds 60 -j DROP
-m recent --name good ! --rcheck --rdest -j DROP
-m addrtype --dst-type LOCAL -j ACCEPT
-m addrtype ! --src-type local,multicast --limit-iface-in -j ACCEPT
-m pkttype --pkt-type broadcast -j DROP
-m pkttype ! --pkt-type unicast -j DROP
-m mac --mac-source 00:11:22:AA:bb:cc -j ACCEPT
-m mac ! --mac-source 00:11:22:AA:bb:cc -j ACCEPT
-m length --length 64 -j ACCEPT
-m length ! --length 64: -j ACCEPT
-m length --length : -j ACCEPT
-m comment --comment "a \"quoted\" word" -j ACCEPT
-m comment --comment plain -j ACCEPT
-m string --algo bm --string "GET /" -j DROP
-m string --algo kmp --hex-string "|0d 0a|x" --from 10 --to 60 -j DROP
-m string --icase --algo bm ! --string abc -j DROP
-m time --timestart 08:00 --timestop 18:00 --weekdays Mon,Tue,We -j ACCEPT
-m time --monthdays 1,15 --kerneltz -j ACCEPT
-m time --datestart 2026-01-01 -j ACCEPT
-m quota --quota 1000000 -j ACCEPT
-m statistic --mode random --probability 0.5 -j DROP
-m statistic --mode nth --every 3 --packet 1 -j DROP
-m u32 --u32 "6&0xFF=0x1" -j DROP
-m u32 ! --u32 "0>>22&0x3C@4=0:5,7 && 8=1" -j DROP
-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0" -j ACCEPT
-m cpu --cpu 0 -j ACCEPT
-m cpu ! --cpu 1 -j ACCEPT
-m devgroup --src-group 0x10/0xf0 -j ACCEPT
-m helper --helper ftp -j ACCEPT
-m helper ! --helper "irc" -j ACCEPT
-m iprange --src-range RANGE -j ACCEPT
-m iprange ! --dst-range RANGE -j ACCEPT
-m policy --dir in --pol none -j DROP
-m policy --dir in --pol ipsec --proto esp --mode tunnel -j ACCEPT
-m policy --dir in --pol ipsec --strict --reqid 1 --proto esp --next --reqid 2 -j ACCEPT
-m socket --transparent -j ACCEPT
-m tos --tos Minimize-Delay -j ACCEPT
-m tos ! --tos 0x10/0x3f -j ACCEPT
-m dscp --dscp-class EF -j ACCEPT
-m dscp ! --dscp 0 -j ACCEPT
-m cluster --cluster-total-nodes 4 --cluster-local-node 2 --cluster-hash-seed 0xdead -j ACCEPT
-m cgroup --cgroup 1 -j ACCEPT
-m ipvs --ipvs -j ACCEPT
4 -m ttl --ttl-lt 5 -j DROP
4 -m ttl ! --ttl-eq 64 -j DROP
4 -m realm --realm 1/3 -j DROP
-j LOG
-j LOG --log-prefix "vpn in: " --log-level warning --log-tcp-options
-j LOG --log-level 7 --log-uid
-j NFLOG --nflog-group 1 --nflog-prefix "a b"
-j NFLOG --nflog-size 64 --nflog-threshold 5
-j NFQUEUE
-j NFQUEUE --queue-num 3 --queue-bypass
-j NFQUEUE --queue-balance 0:3 --queue-cpu-fanout
-j AUDIT --type drop
-j IDLETIMER --timeout 60 --label vpnd
-j SET --add-set people src --timeout 60 --exist
-j SET --del-set people dst
-m set --match-set people src -j ACCEPT
-m set ! --match-set people dst -j DROP
-m set --match-set people src --return-nomatch -j ACCEPT
4 -j REJECT --reject-with host-prohib
6 -j REJECT --reject-with adm-prohibited
-p tcp -j REJECT --reject-with tcp-reset
-p tcp --syn -j SYNPROXY --mss 1460 --sack-perm --timestamp --wscale 7
-j RETURN
-g VPND-ELSE
-j VPND-ELSE
`,
	"filter OUTPUT": `
-o eth0 -j ACCEPT
! -o + -j DROP
-o + -j ACCEPT
-m owner --uid-owner root -j ACCEPT
-m owner --uid-owner 1000-2000 -j ACCEPT
-m owner ! --gid-owner 100 -j ACCEPT
-m owner --socket-exists -j ACCEPT
`,
	"filter FORWARD": `
-i tun0 -o eth0 -m conntrack --ctstate NEW -j ACCEPT
-m physdev --physdev-in eth0 --physdev-is-bridged -j ACCEPT
-m physdev ! --physdev-is-in -j ACCEPT
-p tcp --tcp-flags SYN,RST SYN -m tcpmss --mss 1361: -j ACCEPT
`,
	"mangle FORWARD": `
-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu
-p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1360
-p tcp -j TCPOPTSTRIP --strip-options sack,timestamp
-j MARK --set-mark 1
-j MARK --set-xmark 0x1/0xf
-j MARK --or-mark 0x4
-j MARK --and-mark 0xfe
-j CONNMARK --save-mark
-j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff
-j CONNMARK --set-mark 5/7
-j CLASSIFY --set-class 1:ffff
-j DSCP --set-dscp-class CS1
-j DSCP --set-dscp 0x2a
-j TOS --set-tos 0x10
-j TOS --or-tos 8
-j HMARK --hmark-tuple src,dst --hmark-mod 10 --hmark-rnd 1
-j HMARK --hmark-tuple src,sport --hmark-mod 10 --hmark-offset 100 --hmark-rnd 7
-j RATEEST --rateest-name wire --rateest-interval 250ms --rateest-ewma 500ms
-m rateest --rateest wire --rateest-gt --rateest-bps 1mbit -j ACCEPT
-m rateest --rateest1 wire --rateest-delta --rateest-bps1 2mbit --rateest-lt --rateest2 wire --rateest-bps2 1mbit -j ACCEPT
4 -j TTL --ttl-set 64
4 -j TTL --ttl-inc 1
6 -j HL --hl-set 64
4 -p tcp -j ECN --ecn-tcp-remove
4 -j TEE --gateway 10.8.0.1
6 -j TEE --gateway fd00::1
-p udp -j CHECKSUM --checksum-fill
`,
	"mangle PREROUTING": `
-p tcp -m socket --nowildcard -j MARK --set-mark 3
-p tcp -j TPROXY --on-port 8080 --tproxy-mark 0x1/0x1
-m rpfilter --invert -j DROP
-m rpfilter --loose --validmark -j ACCEPT
`,
	"nat PREROUTING": `
4 -p tcp --dport 80 -j DNAT --to 10.8.0.2
4 -p tcp --dport 81 -j DNAT --to-destination 10.8.0.2:8080
4 -p tcp -j DNAT --to-destination 10.8.0.2-10.8.0.9:1000-2000 --persistent
6 -p tcp --dport 80 -j DNAT --to-destination [fd00::2]:8080
-p tcp --dport 82 -j REDIRECT
-p tcp --dport 83 -j REDIRECT --to-ports 8080-8090 --random
4 -d 10.9.0.0/24 -j NETMAP --to 10.8.0.0/24
6 -d fd00:9::/64 -j NETMAP --to fd00:8::/64
`,
	"nat POSTROUTING": `
4 -s 10.8.0.0/24 -o eth0 -j MASQUERADE
6 -s fd00:8::/64 -o eth0 -j MASQUERADE
-j MASQUERADE --random-fully
-p tcp -j MASQUERADE --to-ports 1000-2000
4 -s 10.8.0.0/24 ! -d 10.8.0.0/24 -j SNAT --to-source 198.51.100.1
4 -p udp -j SNAT --to 198.51.100.1-198.51.100.9:1024-65535 --random
6 -j SNAT --to-source 2001:db8::1-2001:db8::9
-m policy --dir out --pol ipsec -j ACCEPT
`,
	"raw PREROUTING": `
-j NOTRACK
-p tcp --dport 80 -j CT --notrack
-j CT --zone 5
-j CT --zone-orig 3
-p tcp --dport 21 -j CT --helper ftp
-p tcp -j CT --ctevents new,destroy
-j TRACE
-p udp -m udp ! --sport : -j DROP
`,
}

// handOf lists the rules of a family by their place.
func handOf(family string) map[string][]string {
	values := strings.NewReplacer("RANGE", map[string]string{"ip": "10.8.0.5-10.8.0.9", "ip6": "fd00::5-fd00::9"}[family])
	all := make(map[string][]string)
	for place, text := range hand {
		for _, rule := range strings.Split(strings.TrimSpace(text), "\n") {
			only, rest, _ := strings.Cut(rule, " ")
			switch only {
			case "4", "6":
				if (family == "ip") != (only == "4") {
					continue
				}
				rule = rest
			}
			all[place] = append(all[place], values.Replace(rule))
		}
	}
	return all
}

// What vpnd writes is in the kernel what iptables makes of the same words, to the
// byte, and is seen to stand.
func TestKernelHoldsWhatPlainIptablesMakes(t *testing.T) {
	total := 0
	for _, text := range hand {
		total += strings.Count(strings.TrimSpace(text), "\n") + 1
	}
	if total < 200 {
		t.Fatalf("%d rules are too few", total)
	}
	everywhere(t, func(r room) {
		nettest.Fresh(r.T)
		r.set("people")
		rules := r.accepted(handOf(r.family))
		nettest.Fresh(r.T)
		r.set("people")
		r.plainly(rules)
		plain := r.raw(rules)
		nettest.Fresh(r.T)
		r.set("people")
		wants := map[string]*Chain{r.name("filter/VPND-ELSE"): wishFor("", "", "-j RETURN")}
		for place, list := range rules {
			table, hook, _ := strings.Cut(place, " ")
			wants[r.name(table+"/VPND-"+hook)] = wishFor(hook, "", list...)
		}
		r.converge(wants)
		compared := 0
		for chain, want := range plain {
			got := r.raw(rules)[chain]
			compared += len(want)
			for i := range want {
				if i >= len(got) || !bytes.Equal(got[i], want[i]) {
					r.Errorf("%s, rule %d: the kernel holds\n%x\nand iptables alone makes\n%x\nof %s", chain, i, at(got, i), want[i], r.chain(strings.Split(chain, " ")[0], "VPND-"+strings.Split(chain, " ")[1]))
					break
				}
			}
			if len(got) != len(want) {
				r.Errorf("%s has %d rules, iptables alone makes %d", chain, len(got), len(want))
			}
		}
		if compared < 180 {
			r.Errorf("only %d rules were compared", compared)
		}
		// A plan with nothing remembered but the rules themselves finds it all right.
		_ = os.Remove(r.Cache + "/rules-" + r.family + "-" + r.Backend)
		r.converge(wants)
	})
}

func at(rules [][]byte, i int) []byte {
	if i < len(rules) {
		return rules[i]
	}
	return nil
}

func (r room) set(name string) {
	r.Helper()
	family := map[string]uint8{"ip": unix.AF_INET, "ip6": unix.AF_INET6}[r.family]
	if err := netlink.IpsetCreate(name, "hash:ip", netlink.IpsetCreateOptions{Family: family}); err != nil {
		r.Fatal(err)
	}
}

// accepted leaves out what this kernel has no module for: plain iptables, one
// rule after the other, says which.
func (r room) accepted(all map[string][]string) map[string][]string {
	r.Helper()
	tool, err := r.find(r.Context(), r.family)
	if err != nil {
		r.Fatal(err)
	}
	lacking := 0
	for place, rules := range all {
		table, hook, _ := strings.Cut(place, " ")
		chain := "VPND-" + hook
		head := fmt.Sprintf("*%s\n:%s - [0:0]\n:VPND-ELSE - [0:0]\n-I %s -j %s\n", table, chain, hook, chain)
		r.program("-restore", head+"COMMIT\n", "--noflush")
		all[place] = slices.DeleteFunc(rules, func(rule string) bool {
			_, err := xtables.Run(r.Context(), tool.Restoration("*"+table+"\n-A "+chain+" "+rule+"\nCOMMIT\n"))
			if err == nil {
				return false
			}
			lacking++
			r.Logf("plain iptables refuses %s: %v", rule, err)
			_, err = r.Normalize(r.Context(), map[string]*Chain{r.name(table + "/" + chain): wishFor(hook, "", rule)})
			if err == nil {
				r.Errorf("plain iptables refuses %s, and vpnd does not", rule)
			}
			return true
		})
	}
	if lacking > 12 {
		r.Errorf("%d rules are lacking", lacking)
	}
	return all
}

// plainly restores the rules without vpnd, in the tables and chains that it
// would use.
func (r room) plainly(rules map[string][]string) {
	r.Helper()
	for _, table := range syntax.Tables {
		var chains, bodies strings.Builder
		if table == "filter" {
			chains.WriteString(":VPND-ELSE - [0:0]\n")
			bodies.WriteString("-A VPND-ELSE -j RETURN\n")
		}
		for place, list := range rules {
			in, hook, _ := strings.Cut(place, " ")
			if in != table {
				continue
			}
			fmt.Fprintf(&chains, ":VPND-%s - [0:0]\n", hook)
			fmt.Fprintf(&bodies, "-I %s -j VPND-%s\n", hook, hook)
			for _, rule := range list {
				fmt.Fprintf(&bodies, "-A VPND-%s %s\n", hook, rule)
			}
		}
		r.program("-restore", "*"+table+"\n"+chains.String()+bodies.String()+"COMMIT\n", "--noflush")
	}
}

// raw returns what the kernel holds of the rules at each place, byte for byte.
// Nothing passes in this network, so that all counters are zero.
func (r room) raw(rules map[string][]string) map[string][][]byte {
	r.Helper()
	all := make(map[string][][]byte)
	for place := range rules {
		table, hook, _ := strings.Cut(place, " ")
		if r.Backend == kernel.NFT {
			all[place] = r.rawNft(table, "VPND-"+hook)
		} else {
			all[place] = r.rawLegacy(table, "VPND-"+hook)
		}
		if len(all[place]) < len(rules[place]) {
			r.Fatalf("%s: read %d rules of %d", place, len(all[place]), len(rules[place]))
		}
	}
	return all
}

func (r room) rawNft(table, chain string) [][]byte {
	r.Helper()
	req := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETRULE, unix.NLM_F_DUMP)
	req.AddData(&nl.Nfgenmsg{NfgenFamily: map[string]uint8{"ip": 2, "ip6": 10}[r.family]})
	req.AddData(nl.NewRtAttr(unix.NFTA_RULE_TABLE, nl.ZeroTerminated(table)))
	req.AddData(nl.NewRtAttr(unix.NFTA_RULE_CHAIN, nl.ZeroTerminated(chain)))
	msgs, err := req.Execute(unix.NETLINK_NETFILTER, 0)
	if err != nil {
		r.Fatal(err)
	}
	var rules [][]byte
	for _, msg := range msgs {
		attrs, err := nl.ParseRouteAttr(msg[nl.SizeofNfgenmsg:])
		if err != nil {
			r.Fatal(err)
		}
		var rule []byte
		for _, a := range attrs {
			switch a.Attr.Type &^ unix.NLA_F_NESTED {
			case unix.NFTA_RULE_HANDLE, unix.NFTA_RULE_POSITION: // numbers of the namespace
			default:
				rule = append(rule, a.Value...)
			}
		}
		rules = append(rules, rule)
	}
	return rules
}

func (r room) rawLegacy(table, chain string) [][]byte {
	r.Helper()
	next := map[string]int{"ip": 90, "ip6": 142}[r.family] // where it says how long an entry is
	blob, err := kernel.ReadLegacy(r.family, table)
	if err != nil {
		r.Fatal(err)
	}
	var rules [][]byte
	in := ""
	for len(blob) > 0 {
		size := int(blob[next]) | int(blob[next+1])<<8
		target := int(blob[next-2]) | int(blob[next-1])<<8
		entry := bytes.Clone(blob[:size])
		blob = blob[size:]
		name := unix.ByteSliceToString(entry[target+2 : target+31])
		if name == "ERROR" {
			in = unix.ByteSliceToString(entry[target+32:])
			continue
		}
		if name == "" && entry[target+35] < 0x80 {
			clear(entry[target+32 : target+36]) // a chain, by its place in the table
		}
		if in == chain {
			rules = append(rules, entry)
		}
	}
	return rules[:max(0, len(rules)-1)] // the last is where the chain returns
}
