package lab

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := lock(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := free(path); ok {
		t.Error("a held lock is free")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	told := 0
	if _, err := lock(ctx, path, func() { told++ }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for a held lock returned %v", err)
	}
	if told != 1 {
		t.Errorf("the waiting was told %d times", told)
	}
	f.Close()
	g, ok := free(path)
	if !ok {
		t.Fatal("a released lock isn't free")
	}
	g.Close()
}
