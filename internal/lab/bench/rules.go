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
	for _, backend := range []string{"nft", "legacy"} {
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
	}
	b.remark("The %d rules stand in one chain with a jump from FORWARD. Applying is the whole of vpnd apply --yes: it also proves "+
		"the rules in a network namespace, which is a second restore, looks before and after, and keeps its records; \"planned\" "+
		"are rules that a vpnd plan has proved just before. iptables-restore gets the same rules with --noflush.", rulesCount)
	return b.host.UseIPTables(ctx, "nft")
}

func (b *bench) applyRules(ctx context.Context, backend, input string) error {
	arguments := []string{"--yes", "--config", rulesConfig, "--state-dir", rulesState}
	vpnd := contender{argv: append([]string{"vpnd", "apply"}, arguments...), reset: b.withoutRules}
	fresh := vpnd
	fresh.reset = func(ctx context.Context) error {
		_, err := b.host.Run(ctx, "rm", "-rf", "/run/vpnd/cache")
		return errors.Join(err, b.withoutRules(ctx))
	}
	medians, err := b.race(ctx, b.rounds, fresh, vpnd, contender{
		argv: []string{"iptables-restore", "--noflush"}, input: input, reset: b.withoutRules,
	})
	if err != nil {
		return err
	}
	restore := medians[2]
	for i, what := range []string{"", "planned "} {
		goal := 2*restore + 30*time.Millisecond
		b.figure(figure{
			what: fmt.Sprintf("apply 1,000 %srules, %s", what, backend), vpnd: ms(medians[i]), instead: ms(restore) + " iptables-restore",
			goal: "≤ 2 × + 30 ms = " + ms(goal), met: medians[i] <= goal,
		})
	}
	return nil
}

// withoutRules takes the rules of all contenders away.
func (b *bench) withoutRules(ctx context.Context) error {
	_, err := b.host.Run(ctx, "sh", "-c", `
		for c in BENCH VPND-BENCH; do
			iptables -nL $c >/dev/null 2>&1 && printf '*filter\n-D FORWARD -j %s\n-F %s\n-X %s\nCOMMIT\n' $c $c $c | iptables-restore --noflush
		done; rm -rf `+rulesState)
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
