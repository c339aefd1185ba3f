package chain

import (
	"context"
	"strings"
	"testing"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// Rule sets in the shape of those of others, with placeholders for addresses.
var strangers = map[string]string{
	"docker": `*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d LOOP -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s NET ! -o docker0 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination ADDR
COMMIT
*filter
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A DOCKER -d ADDR ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-USER -m comment --comment "mine -j VPND-FORWARD" -j RETURN
COMMIT
`,
	"firewalld": `*filter
:INPUT_direct - [0:0]
:FORWARD_direct - [0:0]
:INPUT_ZONES - [0:0]
:IN_public - [0:0]
:IN_public_allow - [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -j INPUT_direct
-A INPUT -j INPUT_ZONES
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -j REJECT
-A FORWARD -j FORWARD_direct
-A FORWARD -j REJECT
-A INPUT_ZONES -g IN_public
-A IN_public -j IN_public_allow
-A IN_public_allow -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT
COMMIT
*mangle
:PREROUTING_direct - [0:0]
-A PREROUTING -j PREROUTING_direct
COMMIT
*raw
:OUTPUT_direct - [0:0]
-A OUTPUT -j OUTPUT_direct
COMMIT
`,
}

func (r room) foreign(name string) {
	r.Helper()
	values := strings.NewReplacer("LOOP", "127.0.0.0/8", "NET", "172.17.0.0/16", "ADDR", "172.17.0.2")
	if r.family == "ip6" {
		values = strings.NewReplacer("LOOP", "::1/128", "NET", "fd17::/64", "ADDR", "fd17::2")
	}
	r.program("-restore", values.Replace(strangers[name]), "--noflush")
}

// ours is a wish that touches every table.
func (r room) ours() map[string]*Chain {
	return map[string]*Chain{
		r.name("filter/VPND-FORWARD"):  wishFor("FORWARD", "top", r.local("-s 10.8.0.0/24 -j ACCEPT"), "-j VPND-LOG"),
		r.name("filter/VPND-LAST"):     wishFor("FORWARD", "bottom", "-j DROP"),
		r.name("filter/VPND-LOG"):      wishFor("", "", `-j LOG --log-prefix "vpn: "`),
		r.name("nat/VPND-POSTROUTING"): wishFor("POSTROUTING", "", r.local("-s 10.8.0.0/24 -o eth0 -j MASQUERADE")),
		r.name("mangle/VPND-MSS"):      wishFor("FORWARD", "bottom", "-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu"),
		r.name("raw/VPND-RAW"):         wishFor("PREROUTING", "top", "-i tun0 -j NOTRACK"),
	}
}

// without returns the rules without the lines of vpnd.
func without(save string) string {
	var kept strings.Builder
	for line := range strings.Lines(save) {
		if !strings.HasPrefix(line, ":VPND-") && !strings.HasPrefix(line, "-A VPND-") && !strings.Contains(line, "-j VPND-") || strings.Contains(line, "mine") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func TestForeignRulesSurvive(t *testing.T) {
	for shape := range strangers {
		t.Run(shape, func(t *testing.T) {
			everywhere(t, func(r room) {
				// An empty table more or less is no rule of anybody.
				for _, table := range syntax.Tables {
					r.iptables("-t " + table + " -N OTHERS-" + table)
				}
				r.foreign(shape)
				before := r.save()
				wants := r.ours()
				r.converge(wants)
				if got := without(r.save()); got != before {
					r.Errorf("after apply others have:\n%s\nthey had:\n%s", got, before)
				}
				r.iptables("-I FORWARD -s " + r.local("10.8.0.1") + " -j VPND-FORWARD")
				r.iptables("-t nat -F POSTROUTING")
				before = without(r.save())
				r.converge(wants)
				if got := without(r.save()); got != before {
					r.Errorf("after repair others have:\n%s\nthey had:\n%s", got, before)
				}
				for name := range wants {
					if err := resourcetest.Remove(context.Background(), r, name); err != nil {
						r.Errorf("removing %s: %v", name, err)
					}
				}
				if got := r.save(); got != before {
					r.Errorf("after removal:\n%s\nbefore:\n%s", got, before)
				}
			})
		})
	}
}

func TestRulesMayLeadToChainsOfOthers(t *testing.T) {
	everywhere(t, func(r room) {
		name := r.name("filter/VPND-FORWARD")
		wants := map[string]*Chain{name: wishFor("FORWARD", "", "-j DOCKER-USER", "-j ACCEPT")}
		_, err := r.Normalize(context.Background(), wants)
		want := `rules[0] "-j DOCKER-USER": ` + map[string]string{kernel.NFT: "Chain 'DOCKER-USER' does not exist", kernel.Legacy: "Couldn't load target `DOCKER-USER':No such file or directory"}[r.Backend] +
			"; DOCKER-USER is no target, and there is no such chain in table filter of " + r.family + "; create it first, or correct the name"
		if err == nil || err.Error() != want {
			r.Errorf("got  %v\nwant %s", err, want)
		}
		r.foreign("docker")
		before := r.save()
		r.converge(wants)
		if got := without(r.save()); got != before {
			r.Errorf("others have:\n%s\nthey had:\n%s", got, before)
		}
	})
}

func TestChainThatOthersUseIsNotRemoved(t *testing.T) {
	everywhere(t, func(r room) {
		r.foreign("docker")
		name := r.name("filter/VPND-A")
		r.converge(map[string]*Chain{name: wishFor("FORWARD", "")})
		r.iptables("-A DOCKER-USER -p tcp -j VPND-A")
		before := r.save()
		err := resourcetest.Remove(context.Background(), r, name)
		want := "chain DOCKER-USER, which is not of vpnd, leads there; first run " + syntax.Command[r.family] + " -t filter -D DOCKER-USER -p tcp -j VPND-A"
		if err == nil || err.Error() != want {
			r.Errorf("got  %v\nwant %s", err, want)
		}
		if got := r.save(); got != before {
			r.Errorf("something was changed:\n%s\nbefore:\n%s", got, before)
		}
	})
}

func TestRulesOfTheOtherBackendAreTold(t *testing.T) {
	everywhere(t, func(r room) {
		if advice := r.Advise(context.Background()); len(advice) > 0 {
			r.Errorf("nothing is there, yet: %v", advice)
		}
		other := room{T: r.T, Verbs: Verbs{Backend: map[string]string{kernel.NFT: kernel.Legacy, kernel.Legacy: kernel.NFT}[r.Backend]}, family: r.family}
		other.iptables("-A INPUT -j DROP")
		want := "the " + other.Backend + " backend of " + syntax.Command[r.family] + " holds rules (1) that apply besides those of the " + r.Backend +
			" backend, which vpnd writes to; move them over, or remove them with " + syntax.Command[r.family] + "-" + other.Backend
		if advice := r.Advise(context.Background()); len(advice) != 1 || advice[0] != want {
			r.Errorf("got  %q\nwant %q", advice, want)
		}
	})
}

func TestTableThatCannotBeReadIsNotTakenForAnEmptyOne(t *testing.T) {
	everywhere(t, func(r room) {
		if r.Backend == kernel.Legacy {
			return // its tables hold nothing that it can't read
		}
		r.nft("add table " + r.family + " filter")
		r.nft("add chain " + r.family + " filter others")
		r.nft("add rule " + r.family + " filter others numgen random mod 2 0 counter drop")
		name := r.name("filter/VPND-A")
		_, err := r.Observe(context.Background(), map[string]*Chain{name: nil})
		named, _ := resource.Split(err)
		if named[name] == nil || !strings.Contains(named[name].Error(), "table filter holds native nftables rules that iptables can't read; move them") {
			r.Errorf("got %v", err)
		}
	})
}
