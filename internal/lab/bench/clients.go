package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const clientsConfig = "/etc/vpnd-clients/pki.hcl"

// many measures a CA with many clients.
func (b *bench) many(ctx context.Context) error {
	if b.clients == 0 {
		return nil
	}
	if err := b.easyRSA(ctx); err != nil {
		return err
	}
	b.say("a CA with %d clients", b.clients)
	if err := b.writeClients(ctx, b.clients); err != nil {
		return err
	}
	of := fmt.Sprintf("of a CA with %d clients", b.clients)
	first, err := b.once(ctx, contender{argv: []string{"vpnd", "apply", "--yes", "--config", clientsConfig}, check: made(b.clients)})
	if err != nil {
		return err
	}
	b.within10k("first apply "+of, first, 6*time.Second)
	const rounds = 5
	plan := planOf(clientsConfig)
	medians, err := b.race(ctx, rounds, plan, contender{argv: []string{"vpnd", "client", "list", "--config", clientsConfig}, check: listed(b.clients)})
	if err != nil {
		return err
	}
	b.within10k("plan "+of+", nothing to do", medians[0], time.Second)
	b.within10k("vpnd client list "+of, medians[1], 300*time.Millisecond)
	kib, err := b.memory(ctx, 1, plan)
	if err != nil {
		return err
	}
	const limit = 200 << 10
	b.figure(figure{what: "peak memory of that plan", vpnd: mebibytes(kib), goal: "≤ " + mebibytes(limit), met: kib <= limit})
	if err := b.agentOfClients(ctx); err != nil {
		return err
	}
	if err := b.oneClient(ctx, rounds); err != nil {
		return err
	}
	return b.repairsBeside(ctx)
}

// oneClient measures one client more, and one that is revoked.
func (b *bench) oneClient(ctx context.Context, rounds int) error {
	all, revoked := b.clients, 0
	apply := func(reset func(), changes string) contender {
		return contender{
			argv:  []string{"vpnd", "apply", "--yes", "--config", clientsConfig},
			reset: func(ctx context.Context) error { reset(); return b.writeClients(ctx, all, revoked) },
			check: func(stdout string, _ time.Duration) error {
				if !strings.Contains(stdout, "Done: "+changes) {
					return fmt.Errorf("one client is not %q", changes)
				}
				return nil
			},
		}
	}
	medians, err := b.race(ctx, rounds,
		apply(func() { all++ }, "2 changes."),     // a key and a certificate
		apply(func() { revoked++ }, "3 changes."), // the list, and what goes
	)
	if err != nil {
		return err
	}
	b.within10k("apply of one more client", medians[0], time.Second)
	b.within10k("apply of one more that is revoked", medians[1], time.Second)
	return nil
}

// agentOfClients measures an idle agent that keeps all of them. Of its looks those count
// that it makes by itself, every five minutes: it reads no files for them.
func (b *bench) agentOfClients(ctx context.Context) error {
	b.say("starting an agent with %d clients", b.clients)
	config := clientsOf("large", b.clients)
	if err := b.host.WriteFile(ctx, agentConfig, []byte("vpnd {\n  interval = \"10s\"\n}\n"+config), 0o600); err != nil {
		return err
	}
	if err := b.startAgent(ctx); err != nil {
		return err
	}
	proc, err := b.agentProc(ctx)
	if err != nil {
		return err
	}
	look, err := b.timedLook(ctx, proc)
	if err != nil {
		return err
	}
	if err := b.host.WriteFile(ctx, agentConfig, []byte(config), 0o600); err != nil {
		return err
	}
	if err := b.forgive(ctx); err != nil {
		return err
	}
	if err := b.rest(ctx, proc, fmt.Sprintf("with %d clients", b.clients), look, 0.1, 0); err != nil {
		return err
	}
	_, err = b.host.Run(ctx, "sh", "-ec", "systemctl stop vpnd; rm "+agentConfig)
	return err
}

// within10k is a figure of many clients whose goal is a time.
func (b *bench) within10k(what string, took, goal time.Duration) {
	b.figure(figure{what: what, vpnd: seconds(took), goal: "≤ " + seconds(goal), met: took <= goal})
}

// listed is an error where not all clients are told of.
func listed(clients int) func(string, time.Duration) error {
	return func(stdout string, _ time.Duration) error {
		if n := strings.Count(stdout, "\n"); n < clients {
			return fmt.Errorf("%d lines do not tell of %d clients", n, clients)
		}
		return nil
	}
}

// writeClients writes a configuration of so many clients, the first of which are
// revoked.
func (b *bench) writeClients(ctx context.Context, n int, revoked ...int) error {
	text := clientsOf("large", n)
	for _, all := range revoked {
		for i := range all {
			text = strings.Replace(text, fmt.Sprintf("client \"c%06d\" {}", i), fmt.Sprintf("client \"c%06d\" { revoked = true }", i), 1)
		}
	}
	return b.host.WriteFile(ctx, clientsConfig, []byte(text), 0o600)
}

// clientsOf is the configuration of a CA with so many clients.
func clientsOf(name string, n int) string {
	var text strings.Builder
	fmt.Fprintf(&text, "pki %q {\n  subject {\n    common_name = \"Large CA\"\n  }\n  server \"server\" {}\n", name)
	for i := range n {
		fmt.Fprintf(&text, "  client \"c%06d\" {}\n", i)
	}
	text.WriteString("}\n")
	return text.String()
}
