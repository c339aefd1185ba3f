package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	rulesConfig = "/etc/vpnd-rules/rules.hcl"
	rulesState  = "/var/lib/vpnd-rules"
	rulesCount  = 1000

	// standard is the backend of a fresh Debian. Applying has a goal there; what
	// the other one restores in 3 ms leaves no room for reading the configuration.
	standard = "nft"
)

// rules measures a thousand rules, on both backends of iptables, against its own
// programs.
func (b *bench) rules(ctx context.Context) error {
	var rules, input strings.Builder
	for i := range rulesCount {
		rule := fmt.Sprintf("-s 10.%d.%d.0/24 -p tcp --dport %d -j ACCEPT", i/256, i%256, 1+i)
		fmt.Fprintf(&rules, "    %q,\n", rule)
		fmt.Fprintf(&input, "-A BENCH %s\n", rule)
	}
	config := fmt.Sprintf("chain \"ip/filter/VPND-BENCH\" {\n  hook = \"FORWARD\"\n  rules = [\n%s  ]\n}\n", rules.String())
	if err := b.host.WriteFile(ctx, rulesConfig, []byte(config), 0o600); err != nil {
		return err
	}
	for _, backend := range []string{standard, "legacy"} {
		b.say("a thousand rules, %s", backend)
		if err := b.host.UseIPTables(ctx, backend); err != nil {
			return err
		}
		if err := b.applyRules(ctx, backend, "*filter\n:BENCH - [0:0]\n-A FORWARD -j BENCH\n"+input.String()+"COMMIT\n"); err != nil {
			return err
		}
		if err := b.planRules(ctx, backend); err != nil {
			return err
		}
		if err := b.oneOfMany(ctx, backend); err != nil {
			return err
		}
		if err := b.removeMany(ctx, backend); err != nil {
			return err
		}
	}
	b.remark("The %d rules stand in one chain with a jump from FORWARD. Applying is the whole of vpnd apply --yes: reading the "+
		"configuration, planning, a snapshot to go back to, the restore, looking before and after, records. Rules that no vpnd plan has "+
		"shown before are proved as well, in a network namespace of their own: another restore and save. iptables-restore gets the "+
		"same rules with --noflush. The one of %d rules that changes is in the middle of a chain; the whole of vpnd apply --yes is "+
		"compared with an iptables-restore of that chain, which stands already, and an iptables-save of the table.", rulesCount, manyRules)
	return b.host.UseIPTables(ctx, standard)
}

func (b *bench) applyRules(ctx context.Context, backend, input string) error {
	planned := contender{
		argv:  []string{"vpnd", "apply", "--yes", "--config", rulesConfig, "--state-dir", rulesState},
		reset: b.withoutRules,
	}
	unseen := planned
	unseen.reset = func(ctx context.Context) error {
		_, err := b.host.Run(ctx, "rm", "-rf", "/run/vpnd/cache")
		return errors.Join(err, b.withoutRules(ctx))
	}
	medians, err := b.race(ctx, b.rounds, unseen, planned, contender{
		argv: []string{"iptables-restore", "--noflush"}, input: input, reset: b.withoutRules,
	})
	if err != nil {
		return err
	}
	restore := medians[2]
	goal := 2*restore + 30*time.Millisecond
	f := figure{
		what: "apply of 1,000 rules, " + backend, vpnd: ms(medians[1]), instead: ms(restore) + " iptables-restore",
	}
	if backend == standard {
		f.goal, f.met = "≤ 2 × + 30 ms = "+ms(goal), medians[1] <= goal
	}
	b.figure(f)
	b.figure(figure{what: "… that no plan has proved before", vpnd: ms(medians[0]), instead: f.instead})
	return nil
}

// withoutRules takes the rules of all contenders away; vpnd keeps its state, as
// on a host where it is at home.
func (b *bench) withoutRules(ctx context.Context) error {
	_, err := b.host.Run(ctx, "sh", "-c", `
		vpnd destroy --yes --state-dir `+rulesState+` >/dev/null
		! iptables -nL BENCH >/dev/null 2>&1 || printf '*filter\n-D FORWARD -j BENCH\n-F BENCH\n-X BENCH\nCOMMIT\n' | iptables-restore --noflush`)
	return err
}

func (b *bench) planRules(ctx context.Context, backend string) error {
	if err := b.withoutRules(ctx); err != nil {
		return err
	}
	if err := b.apply(ctx, rulesConfig, "--state-dir", rulesState); err != nil {
		return err
	}
	plan := planOf(rulesConfig, "--state-dir", rulesState)
	medians, err := b.race(ctx, b.rounds, plan, contender{argv: []string{"iptables-save"}})
	if err != nil {
		return err
	}
	goal := 3*medians[1] + 30*time.Millisecond
	b.figure(figure{
		what: "plan over 1,000 rules, " + backend, vpnd: ms(medians[0]), instead: ms(medians[1]) + " iptables-save",
		goal: "≤ 3 × + 30 ms = " + ms(goal), met: medians[0] <= goal,
	})
	return b.withoutRules(ctx)
}
