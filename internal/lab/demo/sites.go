package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/amazon"
	"vpnd/internal/lab/office"
)

// sites is the second act: a company and its part of a cloud, joined by two tunnels of
// which one dies.
type sites struct {
	show
	*amazon.Neighbourhood
	example string
}

// A stage is a lab that is made while something else is shown; what the hosts are made
// from is there already.
type stage struct {
	lab   *lab.Lab
	hosts *amazon.Neighbourhood
	err   error
}

// build makes the lab of the second act.
func build(ctx context.Context, vpnd string) <-chan stage {
	built := make(chan stage, 1)
	go func() {
		var s stage
		if s.lab, s.err = lab.New(ctx, lab.Options{}); s.err == nil {
			s.hosts, s.err = amazon.Open(ctx, s.lab, vpnd)
		}
		built <- s
	}()
	return built
}

func (s stage) close() error {
	if s.lab == nil {
		return nil
	}
	return s.lab.Close()
}

// play shows the second act.
func (s stage) play(ctx context.Context, example string) error {
	if s.err != nil {
		return s.err
	}
	gateway := &office.Office{Gateway: s.hosts.Gateway}
	a := &sites{show{Office: gateway, ctx: ctx}, s.hosts, example}
	say("Second act: another gateway, between a company (%s) and its part of a cloud (%s). Amazon hands out a file with two tunnels.", amazon.Private, amazon.VPC)
	var err error
	if a.first, err = gateway.Print(ctx); err != nil {
		return err
	}
	for _, step := range []func() error{a.join, a.watch, a.fail, a.part} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// join converges the gateway to the example, with the file that this Amazon hands out.
func (s *sites) join() error {
	if err := s.Configure(s.ctx, s.example); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(s.example, "*.xml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := s.show.Gateway.WriteFile(s.ctx, "/etc/vpnd/"+filepath.Base(file), []byte(amazon.XML(amazon.Tunnels[:])), 0o600); err != nil {
			return err
		}
	}
	if _, err := s.vpnd(0, "apply", "--yes"); err != nil {
		return err
	}
	if _, err := s.Reached(s.ctx, 20*time.Second); err != nil {
		return fmt.Errorf("the two networks do not reach each other: %w", err)
	}
	good("a host of the company and one in the cloud reach each other, through the tunnel to %s", amazon.Tunnels[0].Outside)
	return nil
}

// watch starts the agent, which has the other tunnel stand by.
func (s *sites) watch() error {
	say("The agent keeps it so.")
	unit, err := os.ReadFile("packaging/vpnd.service")
	if err != nil {
		return err
	}
	if err := s.show.Gateway.WriteFile(s.ctx, "/etc/systemd/system/vpnd.service", unit, 0o644); err != nil {
		return err
	}
	const script = `systemctl daemon-reload; systemctl start vpnd
for i in $(seq 100); do swanctl --list-sas | grep -q '^vpc-2: .*ESTABLISHED' && exit 0; sleep 0.1; done; exit 1`
	if _, err := s.show.Gateway.Run(s.ctx, "sh", "-c", script); err != nil {
		return fmt.Errorf("the other tunnel does not stand by: %w", err)
	}
	good("the tunnel to %s stands by", amazon.Tunnels[1].Outside)
	return nil
}

// fail has an endpoint of Amazon's die without a word.
func (s *sites) fail() error {
	say("Amazon's endpoint %s dies without a word: every packet to it is dropped.", amazon.Tunnels[0].Outside)
	if err := s.Cut(s.ctx, amazon.Tunnels[0].Outside); err != nil {
		return err
	}
	took, err := s.Reached(s.ctx, 30*time.Second)
	if err != nil {
		return fmt.Errorf("the other tunnel does not take over: %w", err)
	}
	if _, err := s.vpnd(3, "status"); err != nil {
		return err
	}
	good("%.0f seconds later the networks reach each other again, through the other tunnel; status says why", math.Ceil(took.Seconds()))
	return s.Mend(s.ctx, amazon.Tunnels[0].Outside)
}

// part takes everything away again.
func (s *sites) part() error {
	if _, err := s.show.Gateway.Run(s.ctx, "sh", "-c", "systemctl stop vpnd; rm /etc/systemd/system/vpnd.service; systemctl daemon-reload"); err != nil {
		return err
	}
	if err := s.leave(); err != nil {
		return err
	}
	if s.Reach(s.ctx) == nil {
		return errors.New("the networks still reach each other")
	}
	return nil
}
