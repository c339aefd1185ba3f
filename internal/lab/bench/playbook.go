package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"vpnd/internal/resource"
)

// A task is one of a playbook: a module and its arguments.
type task map[string]any

// tasks are what a playbook says of everything that vpnd has on record.
func (b *bench) tasks(ctx context.Context) ([]task, error) {
	recorded, err := b.host.Run(ctx, "vpnd", "show")
	if err != nil {
		return nil, err
	}
	var tasks []task
	for line := range strings.Lines(recorded) {
		address, _, _ := strings.Cut(line, "  for ")
		id, err := resource.ParseID(address)
		if err != nil {
			return nil, err
		}
		some, err := b.tasksFor(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		tasks = append(tasks, some...)
	}
	return tasks, nil
}

func (b *bench) tasksFor(ctx context.Context, id resource.ID) ([]task, error) {
	switch id.Kind {
	case "package":
		return []task{{"ansible.builtin.apt": task{"name": id.Name, "state": "present"}}}, nil
	case "unit":
		return []task{{"ansible.builtin.systemd": task{"name": id.Name, "state": "started", "enabled": true}}}, nil
	case "sysctl":
		return b.sysctlTask(ctx, id.Name)
	case "chain":
		return b.chainTasks(ctx, id.Name)
	default:
		return b.fileTask(ctx, id.Name)
	}
}

func (b *bench) sysctlTask(ctx context.Context, key string) ([]task, error) {
	value, err := b.host.Run(ctx, "sysctl", "-n", key)
	if err != nil {
		return nil, err
	}
	// Where the boot has another value, the file of the running host has this one.
	file, err := b.host.Run(ctx, "sh", "-c", "grep -rsl '^"+key+" =' /run/sysctl.d /etc/sysctl.d | head -n 1")
	if err != nil {
		return nil, err
	}
	return []task{{"ansible.posix.sysctl": task{
		"name": key, "value": strings.TrimSpace(value), "sysctl_file": strings.TrimSpace(file), "sysctl_set": true,
	}}}, nil
}

// fileTask compares a file with a copy of it, as Ansible does with those that it
// keeps beside the playbook. Directories have an owner and a mode, and of a socket
// there is only to be seen that it is there.
func (b *bench) fileTask(ctx context.Context, path string) ([]task, error) {
	out, err := b.host.Run(ctx, "stat", "-c", "0%a/%U/%G/%F", path)
	if err != nil {
		return nil, err
	}
	facts := strings.Split(strings.TrimSpace(out), "/")
	if len(facts) != 4 {
		return nil, fmt.Errorf("stat of %s says %q", path, out)
	}
	owned := task{"mode": facts[0], "owner": facts[1], "group": facts[2]}
	switch facts[3] {
	case "regular file", "regular empty file":
		data, err := b.host.ReadFile(path)
		if err != nil {
			return nil, err
		}
		master := filepath.Join(lent, "files", path)
		owned["src"], owned["dest"] = master, path
		return []task{{"ansible.builtin.copy": owned}}, b.host.WriteFile(ctx, master, data, 0o600)
	case "directory":
		owned["path"], owned["state"] = path, "directory"
		return []task{{"ansible.builtin.file": owned}}, nil
	default:
		return []task{{"ansible.builtin.stat": task{"path": path}}}, nil
	}
}

// chainTasks has one task for each rule in the chain or to it, which makes the
// chain as well: Ansible 2.14 reports a chain for itself as changed every time.
func (b *bench) chainTasks(ctx context.Context, name string) ([]task, error) {
	part := strings.Split(name, "/")
	command, version := "iptables", "ipv4"
	if part[0] == "ip6" {
		command, version = "ip6tables", "ipv6"
	}
	saved, err := b.host.Run(ctx, command+"-save", "-t", part[1])
	if err != nil {
		return nil, err
	}
	var tasks []task
	for line := range strings.Lines(saved) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "-A" || words[1] != part[2] && words[len(words)-1] != part[2] {
			continue
		}
		if rule, ok := ruleOf(words[2:]); ok {
			rule["ip_version"], rule["table"], rule["chain"], rule["chain_management"] = version, part[1], words[1], true
			tasks = append(tasks, task{"ansible.builtin.iptables": rule})
			continue
		}
		tasks = append(tasks, task{
			"ansible.builtin.command": task{"argv": append([]string{command, "-t", part[1], "-C"}, words[1:]...)},
			"changed_when":            false, "check_mode": false,
		})
	}
	return tasks, nil
}

// argument names what Ansible's module iptables takes for an option.
var argument = map[string]string{
	"-s": "source", "-d": "destination", "-i": "in_interface", "-o": "out_interface", "-p": "protocol",
	"-j": "jump", "--dport": "destination_port", "--comment": "comment", "--ctstate": "ctstate",
}

// ruleOf says a rule in the words of Ansible's module, where it has words for it.
func ruleOf(words []string) (task, bool) {
	rule := make(task)
	for i := 0; i+1 < len(words); i += 2 {
		option, value := words[i], words[i+1]
		switch name, ok := argument[option]; {
		case option == "-m" && (value == "tcp" || value == "conntrack" || value == "comment"): // implied
		case option == "--ctstate":
			rule[name] = strings.Split(value, ",")
		case ok:
			rule[name] = value
		default:
			return nil, false
		}
	}
	return rule, len(words)%2 == 0
}
