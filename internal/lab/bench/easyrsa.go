package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const (
	easyRSAConfig = "/etc/vpnd-easy/pki.hcl"
	easyRSAState  = "/var/lib/vpnd-easy"
	easyRSADir    = "/root/easy-rsa"
	easyRSAFiles  = "/var/lib/vpnd/pki/easy" // of vpnd
	easyRSAAside  = "/root/aside"            // what earlier rounds made

	easyRSAClients = 1000 // that vpnd makes
	easyRSAMade    = 100  // that easy-rsa makes, whose time counts as many times as it takes
)

// easyRSA measures the keys and certificates of clients, and the CA that signs them,
// against easy-rsa as Debian packages it, both from nothing until the disk has all.
func (b *bench) easyRSA(ctx context.Context) error {
	b.say("%d clients, and %d with easy-rsa", easyRSAClients, easyRSAMade)
	if err := b.host.WriteFile(ctx, easyRSAConfig, []byte(clientsOf("easy", easyRSAClients)), 0o600); err != nil {
		return err
	}
	script := `cd ` + easyRSADir + `
export EASYRSA_BATCH=1 EASYRSA_ALGO=ec EASYRSA_CURVE=prime256v1 EASYRSA_PKI=` + easyRSADir + `/pki
run="/usr/share/easy-rsa/easyrsa"
$run init-pki; $run build-ca nopass
for i in $(seq ` + fmt.Sprint(easyRSAMade) + `); do $run build-client-full c$i nopass; done
$run gen-crl
sync -f pki`
	flags := []string{"--config", easyRSAConfig, "--state-dir", easyRSAState}
	ours := contender{
		argv:  append([]string{"vpnd", "apply", "--yes"}, flags...),
		reset: func(ctx context.Context) error { return b.setAside(ctx, easyRSAState, easyRSAFiles) },
		check: made(easyRSAClients),
	}
	theirs := contender{
		argv: []string{"sh", "-c", "set -e; {\n" + script + "\n} >/dev/null 2>&1"},
		reset: func(ctx context.Context) error {
			if err := b.setAside(ctx, easyRSADir); err != nil {
				return err
			}
			_, err := b.host.Run(ctx, "sh", "-ec", "mkdir -p "+easyRSADir+"; test -x /usr/share/easy-rsa/easyrsa")
			return err
		},
	}
	medians, err := b.race(ctx, 2, ours, theirs)
	if err != nil {
		return err
	}
	whole := medians[1] * easyRSAClients / easyRSAMade
	const goal = 100
	times := float64(whole) / float64(medians[0])
	b.figure(figure{
		what: fmt.Sprintf("CA, list and %d EC clients from nothing", easyRSAClients), vpnd: seconds(medians[0]), instead: seconds(whole) + " easy-rsa",
		goal: fmt.Sprintf("≥ %d times faster", goal), met: times >= goal,
	})
	b.remark("easy-rsa of Debian makes %d clients in turns with the %d of vpnd, and its time is taken %d times: it took %s. Vpnd is %.0f times faster. "+
		"Both end when all is on the disk (sync -f), and what they made in earlier rounds is moved aside and not removed: "+
		"for minutes, ext4 looks in vain at the place of every file that was removed before it makes another.", easyRSAMade, easyRSAClients, easyRSAClients/easyRSAMade, seconds(medians[1]), times)
	return b.setAside(ctx, easyRSAState, easyRSAFiles)
}

// setAside moves directories out of the way, so that what is measured next begins
// with nothing.
func (b *bench) setAside(ctx context.Context, dirs ...string) error {
	const script = `mkdir -p ` + easyRSAAside + `; for d in "$@"; do test ! -e "$d" || mv "$d" $(mktemp -d -p ` + easyRSAAside + `); done`
	_, err := b.host.Run(ctx, append([]string{"sh", "-ec", script, "sh"}, dirs...)...)
	return err
}

// made is an error where an apply did not make a key and a certificate for each.
func made(clients int) func(string, time.Duration) error {
	return func(stdout string, _ time.Duration) error {
		var done int
		_, err := fmt.Sscanf(stdout[max(0, strings.Index(stdout, "\nDone: ")):], "\nDone: %d changes", &done)
		if err != nil || done < 2*clients {
			return fmt.Errorf("%d changes do not make %d clients: %v", done, clients, err)
		}
		return nil
	}
}
