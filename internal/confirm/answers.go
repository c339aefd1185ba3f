package confirm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// speakTime is how long a service that speaks first may take to begin, for that
// to be noticed.
const speakTime = 300 * time.Millisecond

// serviceProbes returns probes of what listens: it takes a connection, and says
// something where it does so now. They come from this host itself, and so pass
// the rules of INPUT that name no interface.
func serviceProbes(ctx context.Context, all []Listener) []Probe {
	probes := make([]Probe, len(all))
	var wg sync.WaitGroup
	for i, l := range all {
		wg.Go(func() {
			first, cancel := context.WithTimeout(ctx, tryTime)
			defer cancel()
			speaks, _ := answer(first, l, speakTime)
			probes[i] = l.probe(speaks)
		})
	}
	wg.Wait()
	return probes
}

// probe returns the probe of a listener that speaks first, or does not.
func (l Listener) probe(speaks bool) Probe {
	wait := tryTime
	if !speaks {
		wait = 0
	}
	return Probe{Name: fmt.Sprintf("%s answered", l), Try: func(ctx context.Context) error {
		now, err := answer(ctx, l, wait)
		if err == nil && speaks && !now {
			err = errors.New("it takes connections and no longer speaks")
		}
		if err != nil {
			err = fmt.Errorf("%w; where that is meant, say --no-probes", err)
		}
		return err
	}}
}

// answer connects, and waits for a while whether the service speaks.
func answer(ctx context.Context, l Listener, wait time.Duration) (speaks bool, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", l.At.String())
	if err != nil || wait == 0 {
		return false, errors.Join(err, hangUp(conn))
	}
	defer conn.Close()
	deadline := time.Now().Add(wait)
	if until, ok := ctx.Deadline(); ok && until.Before(deadline) {
		deadline = until
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return false, err
	}
	n, _ := conn.Read(make([]byte, 1)) // that it says nothing is an answer
	return n > 0, nil
}

func hangUp(conn net.Conn) error {
	if conn == nil {
		return nil
	}
	return conn.Close()
}
