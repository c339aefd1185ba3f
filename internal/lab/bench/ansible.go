package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// ansible measures a plan of the first host against Ansible in check mode, with
// a playbook for the same things.
func (b *bench) ansible(ctx context.Context) error {
	if err := b.lend(ctx); err != nil {
		return err
	}
	tasks, err := b.tasks(ctx)
	if err != nil {
		return fmt.Errorf("writing a playbook for what vpnd manages: %w", err)
	}
	b.say("running ansible-playbook with %d tasks, several times", len(tasks))
	book, err := json.MarshalIndent([]any{map[string]any{
		"hosts": "localhost", "connection": "local", "gather_facts": false, "tasks": tasks,
	}}, "", "  ")
	if err != nil {
		return err
	}
	if err := b.host.WriteFile(ctx, playbook, append(book, '\n'), 0o600); err != nil {
		return err
	}
	medians, err := b.race(ctx, 3, b.planOfHost(), playbookOf(len(tasks)))
	if err != nil {
		return err
	}
	const goal = 50
	faster := float64(medians[1]) / float64(medians[0])
	b.figure(figure{
		what:    "that plan against ansible-playbook --check",
		vpnd:    ms(medians[0]),
		instead: seconds(medians[1]),
		goal:    fmt.Sprintf("%.0f× faster, ≥ %d×", faster, goal), met: faster >= goal,
	})
	b.remark("Ansible runs on the lab host itself with a local connection, without gathering facts, pipelining on. Its playbook "+
		"is made from what vpnd has on record, one task each: packages, the sysctl and its file, directories, files with owner and mode, each rule, "+
		"the unit; %d tasks, of which it reports none as changed. It compares keys and certificates as plain files, while vpnd also "+
		"checks that they belong together and how long they last, and proves the rules.", len(tasks))
	return nil
}

const playbook = lent + "/playbook.json"

// playbookOf runs the playbook with what makes Ansible quick.
func playbookOf(tasks int) contender {
	return contender{
		argv: []string{
			"env", "HOME=/root", "ANSIBLE_PIPELINING=1", "ANSIBLE_LOCALHOST_WARNING=0",
			python, lent + "/usr/bin/ansible-playbook", "--check", "-i", "localhost,",
			"-e", "ansible_python_interpreter=" + python, playbook,
		},
		check: func(stdout string, _ time.Duration) error {
			recap := recapLine.FindStringSubmatch(stdout)
			if recap == nil || recap[1] != strconv.Itoa(tasks) || recap[2] != "0" || recap[3] != "0" {
				return fmt.Errorf("the playbook has %d tasks, which must all be without change", tasks)
			}
			return nil
		},
	}
}

var recapLine = regexp.MustCompile(`localhost\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=0\s+failed=(\d+)`)
