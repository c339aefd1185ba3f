package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const clientsConfig = "/etc/vpnd-clients/pki.hcl"

// many measures a CA with many clients. There is no goal: it has to stay
// pleasant.
func (b *bench) many(ctx context.Context) error {
	if b.clients == 0 {
		return nil
	}
	b.say("a CA with %d clients", b.clients)
	if err := b.writeClients(ctx, b.clients); err != nil {
		return err
	}
	apply := contender{argv: []string{"vpnd", "apply", "--yes", "--config", clientsConfig}}
	first, err := b.once(ctx, apply)
	if err != nil {
		return err
	}
	const rounds = 3
	plan := planOf(clientsConfig)
	planned, err := b.race(ctx, rounds, plan)
	if err != nil {
		return err
	}
	kib, err := b.memory(ctx, 1, plan)
	if err != nil {
		return err
	}
	all := b.clients
	apply.reset = func(ctx context.Context) error {
		all++
		return b.writeClients(ctx, all)
	}
	apply.check = func(stdout string, _ time.Duration) error {
		if !strings.Contains(stdout, "Done: 2 changes.") { // a key and a certificate
			return errors.New("one more client is not two changes")
		}
		return nil
	}
	more, err := b.race(ctx, rounds, apply)
	if err != nil {
		return err
	}
	of := fmt.Sprintf("of a CA with %d clients", b.clients)
	b.figure(figure{what: "first apply " + of, vpnd: seconds(first)})
	b.figure(figure{what: "plan " + of + ", nothing to do", vpnd: seconds(planned[0])})
	b.figure(figure{what: "peak memory of that plan", vpnd: mebibytes(kib)})
	b.figure(figure{what: "apply of one more client", vpnd: seconds(more[0])})
	return b.repairsBeside(ctx)
}

func (b *bench) writeClients(ctx context.Context, n int) error {
	var text strings.Builder
	text.WriteString("pki \"large\" {\n  subject {\n    common_name = \"Large CA\"\n  }\n  server \"server\" {}\n")
	for i := range n {
		fmt.Fprintf(&text, "  client \"c%06d\" {}\n", i)
	}
	text.WriteString("}\n")
	return b.host.WriteFile(ctx, clientsConfig, []byte(text.String()), 0o600)
}
