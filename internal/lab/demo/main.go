// Demo runs vpnd's main job on lab hosts and tells it in plain words, in two acts, each
// from an example. A gateway for people: a client connects through it, drift is made and
// repaired, a client is revoked. A gateway to a cloud: two networks reach each other, and
// where one tunnel dies the other one carries. Everything is taken away again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/office"
)

func main() {
	vpnd := flag.String("vpnd", "bin/vpnd", "the binary to show")
	config := flag.String("config", "examples/openvpn-gateway", "the configuration of the first act")
	sites := flag.String("sites", "examples/aws-gateway", "the configuration of the second act")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	start := time.Now()
	if err := run(ctx, *vpnd, *config, *sites); err != nil {
		fmt.Printf("\nThe demo ended early: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("\nThat was vpnd: %d seconds. The README tells how to begin on a host of yours.\n", int(time.Since(start).Seconds()))
}

// show is the demo at work: what fails ends it.
type show struct {
	*office.Office
	ctx   context.Context
	first string // the gateway before vpnd came
}

func run(ctx context.Context, vpnd, config, sites string) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("it boots hosts, so it must run as root")
	}
	say("Three Debian hosts boot: a gateway, a laptop in the world, an intranet server behind the gateway.")
	l, err := lab.New(ctx, lab.Options{Progress: os.Stdout})
	if err != nil {
		return err
	}
	second := build(ctx, vpnd)
	err = errors.Join(people(ctx, l, vpnd, config), l.Close())
	stage := <-second
	if err == nil {
		err = stage.play(ctx, sites)
	}
	return errors.Join(err, stage.close())
}

// people shows the first act.
func people(ctx context.Context, l *lab.Lab, vpnd, config string) error {
	o, err := office.Open(ctx, l, vpnd, config)
	if err != nil {
		return err
	}
	s := &show{Office: o, ctx: ctx}
	for _, act := range []func() error{s.strangers, s.converge, s.connect, s.drift, s.revoke, s.leave} {
		if err := act(); err != nil {
			return err
		}
	}
	return nil
}

func say(format string, args ...any) { fmt.Printf("\n▶ "+format+"\n", args...) }

func good(format string, args ...any) { fmt.Printf("  ✓ "+format+"\n", args...) }

// vpnd runs a command on the gateway, shows what it prints, and wants its exit
// status.
func (s *show) vpnd(want int, args ...string) (string, error) {
	fmt.Printf("\n  gateway# vpnd %s\n", strings.Join(args, " "))
	out, status, err := s.VPND(s.ctx, args...)
	for line := range strings.Lines(out) {
		fmt.Printf("  │ %s", line)
	}
	if err == nil && status != want {
		err = fmt.Errorf("vpnd %s ended with status %d instead of %d", args[0], status, want)
	}
	return out, err
}

func (s *show) strangers() error {
	say("The gateway is no blank page: rules of the kind that Docker and firewalld make, a sysctl file, a unit, a file of somebody's.")
	return s.Foreigners(s.ctx)
}

func (s *show) converge() error {
	before, err := s.Print(s.ctx)
	if err != nil {
		return err
	}
	s.first = before
	say("What would vpnd change? Planning changes nothing.")
	if _, err := s.vpnd(0, "plan"); err != nil {
		return err
	}
	if after, err := s.Print(s.ctx); err != nil || after != before {
		return fmt.Errorf("planning changed the host (%v): %s", err, office.Diff(before, after))
	}
	good("the host is byte for byte as before")
	say("Make it so.")
	if _, err := s.vpnd(0, "apply", "--yes"); err != nil {
		return err
	}
	say("And now? Converged means empty.")
	_, err = s.vpnd(0, "plan", "--detailed-exitcode")
	return err
}

func (s *show) connect() error {
	say("The laptop gets tpham's profile and connects.")
	if err := s.Connect(s.ctx, "tpham"); err != nil {
		return err
	}
	address, err := s.Laptop.Run(s.ctx, "ip", "-4", "-br", "addr", "show", "dev", "tun0")
	if err != nil {
		return err
	}
	good("connected: %s", strings.Join(strings.Fields(address), " "))
	if err := s.Reach(s.ctx); err != nil {
		return err
	}
	good("it reaches the intranet server, which knows no way back: forwarding and NAT work")
	return nil
}

func (s *show) drift() error {
	say("Somebody works on the gateway by hand:")
	for _, m := range office.Mischiefs() {
		if _, err := s.Gateway.Run(s.ctx, m.Argv...); err != nil {
			return err
		}
		fmt.Printf("  – %s\n", m.Words)
	}
	out, err := s.vpnd(3, "drift")
	if err != nil {
		return err
	}
	for _, m := range office.Mischiefs() {
		if !strings.Contains(out, m.Named) {
			return fmt.Errorf("vpnd drift does not name %s", m.Named)
		}
	}
	good("each is named")
	if err := s.Docker(s.ctx); err != nil {
		return err
	}
	good("Docker puts its own nat rules back, and vpnd those of vpnd:")
	if _, err := s.vpnd(0, "apply", "--yes"); err != nil {
		return err
	}
	if _, err := s.vpnd(0, "drift"); err != nil {
		return err
	}
	if err := s.Dial(s.ctx); err != nil {
		return err
	}
	if err := s.Reach(s.ctx); err != nil {
		return err
	}
	good("all is repaired, and the laptop reaches the intranet server again")
	return nil
}

func (s *show) revoke() error {
	say("tpham leaves the company: one line in the file.")
	if err := s.Edit(s.ctx, "vpn.hcl", `client "tpham" {}`, `client "tpham" { revoked = true }`); err != nil {
		return err
	}
	if _, err := s.vpnd(0, "apply", "--yes"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second) // it dials in within one, where it may
	defer cancel()
	if err := s.Dial(ctx); err == nil {
		return fmt.Errorf("a revoked client could connect")
	}
	good("the laptop still has the profile, and is refused; the server was not restarted")
	return s.Hangup(s.ctx)
}

func (s *show) leave() error {
	say("vpnd goes, and gives the host back.")
	if _, err := s.vpnd(0, "destroy", "--yes"); err != nil {
		return err
	}
	after, err := s.Print(s.ctx)
	if err != nil {
		return err
	}
	if after != s.first {
		return fmt.Errorf("the host is not as it was: %s", office.Diff(s.first, after))
	}
	good("rules, sysctls, links, units and files are as they were, byte for byte; what was others' is still there")
	return nil
}
