package unit

import (
	"context"
	"fmt"
)

// What is told of a mask that a wish lifts; with it, it is remembered and given
// back.
const (
	maskLifted        = "in /etc, which is lifted, and given back with the block"
	maskLiftedRuntime = "in /run, which is lifted, and given back with the block"
)

// lifts says which mask of the unit a wish lifts, if any.
func (s state) lifts(want *Unit) string {
	switch {
	case !s.masked() || want == nil || want.Enabled == nil || !*want.Enabled:
		return ""
	case s.file == "masked-runtime":
		return maskLiftedRuntime
	default:
		return maskLifted
	}
}

// maskAgain gives a mask back that was lifted.
func maskAgain(ctx context.Context, m Manager, s state, lifted *string) error {
	if lifted == nil || *lifted == "" || s.masked() {
		return nil
	}
	if err := m.Mask(ctx, s.id, *lifted == maskLiftedRuntime); err != nil {
		return fmt.Errorf("masking it again: %w", err)
	}
	_, err := again(ctx, m, s.id)
	return err
}
