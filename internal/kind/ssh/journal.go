package ssh

import (
	"context"
	"time"

	"vpnd/internal/systemd"
)

// lines of the journal that are read: what ssh says of a host key that has changed
// takes a dozen, and a few attempts may lie behind each other.
const lines = 60

// Journal returns what the processes of a unit have logged since, a line each.
func Journal(ctx context.Context, unit string, since time.Time) []string {
	return systemd.Journal(ctx, unit, since, lines)
}
