package ssh

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"vpnd/internal/resource"
)

// Patience with a connection that says nothing: one that stays open that long leads
// somewhere, since the control connection is known to be alive.
const (
	leastPatience = 300 * time.Millisecond
	mostPatience  = 3 * time.Second
)

// Probes remembers when a port was last tried, so that an agent that looks often
// does not knock at the service behind it each time. Its zero value is ready.
type Probes struct {
	mu   sync.Mutex
	last map[string]probe // by tunnel and port
}

type probe struct {
	at, admitted time.Time
	down, beyond string
}

// known returns the last result, where the connection is still the same and the
// next trial is not due.
func (p *Probes) known(key string, admitted time.Time, every time.Duration) (probe, bool) {
	if p == nil {
		return probe{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	last, ok := p.last[key]
	return last, ok && last.admitted.Equal(admitted) && time.Since(last.at) < every
}

func (p *Probes) keep(key string, result probe) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == nil {
		p.last = make(map[string]probe)
	}
	p.last[key] = result
}

// probe tries the ports that lead to the peer's side, and says what is wrong.
func (v Verbs) probe(ctx context.Context, name string, want *Forward, f finding, admitted time.Time) (down, beyond string) {
	for _, l := range want.Locals {
		every := time.Duration(resource.Or(l.Probe, resource.Duration(time.Minute)))
		if every == 0 {
			continue
		}
		key := name + " " + resource.Or(l.Listen, "")
		p, fresh := v.Probes.known(key, admitted, every)
		if !fresh {
			p = v.try(ctx, want, l, f.control.rtt)
			p.at, p.admitted = time.Now(), admitted
			v.Probes.keep(key, p)
		}
		if p.down != "" {
			return p.down, ""
		}
		if beyond == "" {
			beyond = p.beyond
		}
	}
	return "", beyond
}

// try connects and waits whether it is closed at once. ssh takes the connection in
// any case, and closes it where the peer could not pass it on; so does a service
// that does not like us. What ssh said meanwhile tells them apart.
func (v Verbs) try(ctx context.Context, want *Forward, l Local, rtt time.Duration) probe {
	begun := time.Now()
	conn, err := dial(ctx, resource.Or(l.Listen, ""))
	if err != nil {
		return probe{down: "connecting to " + resource.Or(l.Listen, "") + " fails: " + err.Error()}
	}
	defer conn.Close()
	patience := min(max(leastPatience, 4*rtt+200*time.Millisecond), mostPatience)
	_ = conn.SetReadDeadline(begun.Add(patience))
	_, err = conn.Read(make([]byte, 1))
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return probe{}
	}
	if !errors.Is(err, io.EOF) && ctx.Err() != nil {
		return probe{}
	}
	down, beyond := refused(v.said(ctx, want, begun.Add(-50*time.Millisecond)), resource.Or(l.To, ""), v.tale(want))
	return probe{down: down, beyond: beyond}
}

// dial connects to where a forward listens here.
func dial(ctx context.Context, at string) (net.Conn, error) {
	end, err := ParseEnd(at, false)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: mostPatience}
	if end.Path != "" {
		return d.DialContext(ctx, "unix", end.Path)
	}
	if end.Everywhere() {
		end.Host = "localhost"
	}
	return d.DialContext(ctx, "tcp", end.String())
}
