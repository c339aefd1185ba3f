package proof

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"vpnd/internal/namespace"
)

func TestProvingNeedsRoot(t *testing.T) {
	other := errors.New("another")
	for _, c := range []struct {
		err  error
		want string
	}{
		{&namespace.DeniedError{Err: unix.EPERM}, "rules are proved in a network namespace of their own, which is not permitted here; run vpnd as root, and in a unit without RestrictNamespaces="},
		{&namespace.DeniedError{Err: unix.ENOSPC}, "making a network namespace to prove rules in: no space left on device"},
		{fmt.Errorf("%w one", other), "another one"},
		{unix.EPERM, "operation not permitted"}, // of the work itself
	} {
		if got := denied(c.err); got == nil || got.Error() != c.want {
			t.Errorf("got  %v\nwant %s", got, c.want)
		}
	}
	if err := denied(nil); err != nil {
		t.Error(err)
	}
}
