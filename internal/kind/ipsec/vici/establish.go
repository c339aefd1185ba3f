package vici

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrSilent says that a peer did not answer in time.
var ErrSilent = errors.New("no answer")

// Establish establishes a child SA of a connection, or its IKE SA alone where the child
// is empty (RFC 6023). Where the peer does not answer within that time, which has to be
// below half a minute, the error is [ErrSilent], and charon goes on with it.
func (c *Conn) Establish(ctx context.Context, name, child string, within time.Duration) error {
	pairs := []any{"ike", name, "timeout", fmt.Sprint(within.Milliseconds())}
	if child != "" {
		pairs = append(pairs, "child", child)
	}
	_, err := c.do(ctx, "initiate", pairs...)
	var refused *RefusedError
	if errors.As(err, &refused) && strings.Contains(refused.Said, "not established after") {
		return ErrSilent
	}
	return err
}

// TerminateChild ends a child SA. That there is none is no error. A peer that does not
// answer is not waited for longer than that.
func (c *Conn) TerminateChild(ctx context.Context, id string, wait time.Duration) error {
	_, err := c.do(ctx, "terminate", "child-id", id, "force", "yes", "timeout", fmt.Sprint(wait.Milliseconds()))
	var refused *RefusedError
	if errors.As(err, &refused) && strings.Contains(refused.Said, "no matching SAs") {
		return nil
	}
	return err
}

// UpDown calls heard once it listens, and whenever an IKE SA or a child SA came up or
// went down, until ctx ends or charon hangs up, which is an error.
func (c *Conn) UpDown(ctx context.Context, heard func()) error {
	if err := c.session.Subscribe("ike-updown", "child-updown"); err != nil {
		return fmt.Errorf("asking charon for its events: %w", err)
	}
	heard()
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, open := <-c.events:
			if !open {
				return errors.New("charon hung up")
			}
			heard()
		}
	}
}
