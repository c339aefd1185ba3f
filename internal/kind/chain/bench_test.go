package chain

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/xtables"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// thousand is a chain of a thousand rules.
func thousand() *Chain {
	c := wishFor("FORWARD", "")
	for i := range 1000 {
		c.Rules = append(c.Rules, fmt.Sprintf("-s 10.%d.%d.0/24 -p tcp --dport %d -j ACCEPT", i/256, i%256, 1+i))
	}
	return c
}

// The yardsticks: what iptables-restore and iptables-save take by themselves.
func BenchmarkApplyThousandRules(b *testing.B) {
	for _, backend := range []string{kernel.NFT, kernel.Legacy} {
		v := Verbs{Backend: backend, Cache: b.TempDir()}
		b.Run(backend+"/restore", func(b *testing.B) {
			nettest.Fresh(b)
			t := tools(b, v)
			input := "*filter\n:VPND-X - [0:0]\n-A FORWARD -j VPND-X\n-A VPND-X " + strings.Join(thousand().Rules, "\n-A VPND-X ") + "\nCOMMIT\n"
			for b.Loop() {
				if _, err := xtables.Run(context.Background(), t.Restoration(input)); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if _, err := xtables.Run(context.Background(), t.Restoration("*filter\n-F FORWARD\n-F VPND-X\n-X VPND-X\nCOMMIT\n")); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
		b.Run(backend+"/vpnd", func(b *testing.B) {
			nettest.Fresh(b)
			normal := prove(b, v)
			for b.Loop() {
				// What the engine does: normalise, look, apply, look again.
				prove(b, v)
				look(b, v)
				if err := v.Apply(context.Background(), []resource.Item[Chain]{{Name: "ip/filter/VPND-X", Want: *normal}}); err != nil {
					b.Fatal(err)
				}
				if got := look(b, v); len(resource.Compare(got, normal)) > 0 {
					b.Fatal("differs after apply")
				}
				b.StopTimer()
				if err := resourcetest.Remove(context.Background(), v, "ip/filter/VPND-X"); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

func BenchmarkPlanThousandRulesThatAreThere(b *testing.B) {
	for _, backend := range []string{kernel.NFT, kernel.Legacy} {
		v := Verbs{Backend: backend, Cache: b.TempDir()}
		full := func(b *testing.B) *Chain {
			nettest.Fresh(b)
			normal := prove(b, v)
			if err := resourcetest.Apply(context.Background(), v, "ip/filter/VPND-X", nil, *normal); err != nil {
				b.Fatal(err)
			}
			return normal
		}
		b.Run(backend+"/save", func(b *testing.B) {
			full(b)
			t := tools(b, v)
			for b.Loop() {
				if _, err := t.Dump(context.Background(), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(backend+"/vpnd", func(b *testing.B) {
			full(b)
			for b.Loop() {
				if diffs := resource.Compare(look(b, v), prove(b, v)); len(diffs) > 0 {
					b.Fatal(diffs)
				}
			}
		})
		b.Run(backend+"/vpnd-unremembered", func(b *testing.B) {
			full(b)
			forgetful := Verbs{Backend: backend}
			for b.Loop() {
				if diffs := resource.Compare(look(b, v), prove(b, forgetful)); len(diffs) > 0 {
					b.Fatal(diffs)
				}
			}
		})
	}
}

func tools(b *testing.B, v Verbs) *xtables.Tool {
	b.Helper()
	t, err := v.find(context.Background(), "ip")
	if err != nil {
		b.Fatal(err)
	}
	return t
}

func prove(b *testing.B, v Verbs) *Chain {
	b.Helper()
	normal, err := v.Normalize(context.Background(), map[string]*Chain{"ip/filter/VPND-X": thousand()})
	if err != nil {
		b.Fatal(err)
	}
	return normal["ip/filter/VPND-X"]
}

func look(b *testing.B, v Verbs) *Chain {
	b.Helper()
	got, err := resourcetest.Observe(context.Background(), v, "ip/filter/VPND-X")
	if err != nil {
		b.Fatal(err)
	}
	return got
}
