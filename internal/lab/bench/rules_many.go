package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const (
	manyRules  = 10_000
	manyChains = 200
)

// rulesOf is a chain of many rules, the last of which opens a port: as a
// configuration, and as input of iptables-restore that replaces it.
func rulesOf(port int) (config, input string) {
	var rules, lines strings.Builder
	for i := range manyRules {
		rule := fmt.Sprintf("-s 10.%d.%d.0/24 -p tcp --dport %d -j ACCEPT", i/256, i%256, 1+i)
		if i == manyRules/2 {
			rule = fmt.Sprintf("-p tcp --dport %d -j ACCEPT", port)
		}
		fmt.Fprintf(&rules, "    %q,\n", rule)
		fmt.Fprintf(&lines, "-A VPND-BENCH %s\n", rule)
	}
	return "chain \"ip/filter/VPND-BENCH\" {\n  hook = \"FORWARD\"\n  rules = [\n" + rules.String() + "  ]\n}\n",
		"*filter\n:VPND-BENCH - [0:0]\n" + lines.String() + "COMMIT\n"
}

// oneOfMany measures the change of one rule among ten thousand, against what
// writing the chain and reading it once takes.
func (b *bench) oneOfMany(ctx context.Context, backend string) error {
	before, input := rulesOf(60001)
	after, _ := rulesOf(60002)
	write := func(ctx context.Context, config string) error {
		return b.host.WriteFile(ctx, rulesConfig, []byte(config), 0o600)
	}
	changed := contender{
		argv: []string{"vpnd", "apply", "--yes", "--config", rulesConfig, "--state-dir", rulesState},
		reset: func(ctx context.Context) error {
			if err := write(ctx, before); err != nil {
				return err
			}
			if err := b.apply(ctx, rulesConfig, "--state-dir", rulesState); err != nil {
				return err
			}
			return write(ctx, after)
		},
		check: func(stdout string, _ time.Duration) error {
			if !strings.Contains(stdout, "60002") {
				return fmt.Errorf("the rule is not changed")
			}
			return nil
		},
	}
	bare := contender{argv: []string{"sh", "-ec", "iptables-restore --noflush; iptables-save -t filter >/dev/null"}, input: input}
	medians, err := b.race(ctx, min(b.rounds, 9), changed, bare)
	if err != nil {
		return err
	}
	f := figure{
		what: "change of one of 10,000 rules, " + backend, vpnd: ms(medians[0]),
		instead: fmt.Sprintf("%s iptables-restore and -save (%.1f ×)", ms(medians[1]), float64(medians[0])/float64(medians[1])),
	}
	if backend == standard {
		f.goal, f.met = "≤ 2 × = "+ms(2*medians[1]), medians[0] <= 2*medians[1]
	}
	b.figure(f)
	return b.withoutRules(ctx)
}

// removeMany measures the removal of many chains, each with its jump.
func (b *bench) removeMany(ctx context.Context, backend string) error {
	var config, made, gone strings.Builder
	for i := range manyChains {
		fmt.Fprintf(&config, "chain \"ip/filter/VPND-C%d\" {\n  hook  = \"FORWARD\"\n  rules = [\"-s 10.0.%d.0/24 -j ACCEPT\"]\n}\n", i, i)
		fmt.Fprintf(&made, ":C%d - [0:0]\n-A C%d -s 10.0.%d.0/24 -j ACCEPT\n-A FORWARD -j C%d\n", i, i, i, i)
		fmt.Fprintf(&gone, "-D FORWARD -j C%d\n-F C%d\n-X C%d\n", i, i, i)
	}
	if err := b.host.WriteFile(ctx, rulesConfig, []byte(config.String()), 0o600); err != nil {
		return err
	}
	vpnd := contender{
		argv:  []string{"vpnd", "destroy", "--yes", "--state-dir", rulesState},
		reset: func(ctx context.Context) error { return b.apply(ctx, rulesConfig, "--state-dir", rulesState) },
	}
	bare := contender{
		argv: []string{"iptables-restore", "--noflush"}, input: "*filter\n" + gone.String() + "COMMIT\n",
		reset: func(ctx context.Context) error {
			_, err := b.once(ctx, contender{argv: []string{"iptables-restore", "--noflush"}, input: "*filter\n" + made.String() + "COMMIT\n"})
			return err
		},
	}
	medians, err := b.race(ctx, min(b.rounds, 9), vpnd, bare)
	if err != nil {
		return err
	}
	const goal = 500 * time.Millisecond
	b.figure(figure{
		what: "removal of 200 chains, " + backend, vpnd: ms(medians[0]), instead: ms(medians[1]) + " iptables-restore",
		goal: "≤ " + ms(goal), met: medians[0] <= goal,
	})
	return nil
}
