// Bench measures vpnd against what a user would do instead, on a lab host, side
// by side in one run: A B A B, medians of several rounds after a warm-up. It
// prints a table with the goal beside each figure and ends with status 1 where a
// goal is missed. What is compared with what stands below the table.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/office"
)

func main() {
	b := &bench{out: os.Stdout}
	flag.StringVar(&b.vpnd, "vpnd", "bin/vpnd", "the binary to measure")
	flag.StringVar(&b.config, "config", "examples/openvpn-gateway", "the configuration of the first host")
	flag.IntVar(&b.rounds, "rounds", 21, "rounds of what is quick; what is slow takes fewer")
	flag.IntVar(&b.clients, "clients", 10000, "clients of the large host; 0 leaves it out")
	flag.IntVar(&b.trials, "trials", 200, "repairs of each kind by the agent")
	flag.Float64Var(&b.minutes, "minutes", 2, "how long an idle agent is watched")
	flag.StringVar(&b.only, "only", "", "leave out all but one: ansible, agent, rules, tunnels, many, clients; nothing for everything")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute+2*time.Duration(b.minutes*float64(time.Minute)))
	defer cancel()
	met, err := b.run(ctx)
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
	}
	if err != nil || !met {
		stop()
		os.Exit(1)
	}
}

// bench is one run: what is measured, where, and what came out.
type bench struct {
	out     *os.File
	vpnd    string
	config  string
	rounds  int
	clients int
	trials  int
	minutes float64
	only    string

	host    *lab.Host // where things are measured at present
	figures []figure
	remarks []string
}

// run says whether every goal was met.
func (b *bench) run(ctx context.Context) (met bool, err error) {
	if os.Geteuid() != 0 {
		return false, fmt.Errorf("it boots hosts, so it must run as root")
	}
	l, err := lab.New(ctx, lab.Options{Progress: os.Stderr, Packages: []string{"easy-rsa"}})
	if err != nil {
		return false, err
	}
	defer func() {
		if closing := l.Close(); err == nil {
			err = closing
		}
	}()
	b.say("booting the gateway and its neighbours, applying %s", b.config)
	o, err := office.Open(ctx, l, b.vpnd, b.config)
	if err != nil {
		return false, err
	}
	b.host = o.Gateway
	if err := b.apply(ctx, hostConfig, "--var", "remote="+office.Remote); err != nil {
		return false, err
	}
	if err := b.all(ctx, part{"", b.plan}, part{"ansible", b.ansible}, part{"agent", b.agent}); err != nil {
		return false, err
	}
	// A host without anything of vpnd's.
	b.host = o.Intranet
	if err := b.host.Copy(ctx, b.vpnd, "/usr/sbin/vpnd"); err != nil {
		return false, err
	}
	if err := b.all(ctx, part{"rules", b.rules}, part{"tunnels", b.tunnels(o.Gateway)}, part{"many", b.agentOfMany}, part{"clients", b.many}, part{"", b.binary}); err != nil {
		return false, err
	}
	b.remark("Of each time that of true, run in turn with the rest, is taken off: nsenter's way into the lab host.")
	return b.print(), nil
}

// A part is some of the figures. Those without a name take no time.
type part struct {
	name    string
	measure func(context.Context) error
}

func (b *bench) all(ctx context.Context, parts ...part) error {
	for _, p := range parts {
		if b.only != "" && p.name != "" && p.name != b.only {
			continue
		}
		if err := p.measure(ctx); err != nil {
			return err
		}
	}
	return nil
}

// say tells what is going on, apart from the table.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}
