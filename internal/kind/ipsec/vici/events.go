package vici

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/strongswan/govici/vici"
)

// events are those that change how a connection stands.
var events = []string{"ike-updown", "ike-rekey", "child-updown", "child-rekey"}

// Events calls hear with the name of a connection for each event that is about it,
// until ctx ends; then it returns nil. begin is called once it listens. Where charon
// ends, the error is [ErrDown].
func Events(ctx context.Context, socket string, begin func(), hear func(name string)) error {
	c, err := Dial(ctx, socket)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.session.Subscribe(events...); hungUp(err) {
		return ErrDown
	} else if err != nil {
		return fmt.Errorf("listening to charon: %w", err)
	}
	begin()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, open := <-c.events:
			if !open {
				return ErrDown
			}
			for _, name := range about(e.Message) {
				hear(name)
			}
			if len(c.events) == cap(c.events)-1 {
				hear("") // some may be lost
			}
		}
	}
}

// about are the connections that an event has a section of.
func about(m *vici.Message) []string {
	var names []string
	for _, key := range m.Keys() {
		if _, section := m.Get(key).(*vici.Message); section {
			names = append(names, key)
		}
	}
	return names
}

// hungUp says whether charon ended while it was asked.
func hungUp(err error) bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}
