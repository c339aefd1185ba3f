package xtables

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"vpnd/internal/kind/chain/kernel"
)

func TestBackendIsAskedWhereNoNameSaysIt(t *testing.T) {
	for said, want := range map[string]string{
		"iptables v1.8.9 (nf_tables)": kernel.NFT,
		"iptables v1.8.9 (legacy)":    kernel.Legacy,
		"iptables v1.6.1":             kernel.Legacy,
	} {
		path := filepath.Join(t.TempDir(), "iptables")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n[ \"$1\" = --version ] && echo '"+said+"'\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		if got, err := backendOf(context.Background(), path); got != want || err != nil {
			t.Errorf("%s: %s, %v", said, got, err)
		}
	}
}
