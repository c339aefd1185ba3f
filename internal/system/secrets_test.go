package system

import (
	"context"
	"encoding/pem"
	"strings"
	"testing"
)

const (
	token = "s3cret-t0ken-of-the-office"
	leaky = `
variable "token" {
  type      = string
  sensitive = true
}
directory "/etc/acme" {}
secret_file "/etc/acme/token" {
  content    = "token=${var.token}\n"
  depends_on = [directory["/etc/acme"]]
}
private_key "/etc/acme/key" {}
`
)

// TestSecretsDoNotLeak looks for secrets wherever vpnd says or writes
// something: its output, the journal, the arguments of all processes, its
// state.
func TestSecretsDoNotLeak(t *testing.T) {
	t.Parallel()
	s := alone(t)
	files := exampleFiles(t, "../../examples/openvpn-gateway")
	files["leaky.hcl"] = leaky
	s.ok(s.Write(t.Context(), files))
	s.ok(s.Gateway.WriteFile(t.Context(), "/etc/vpnd/vpnd.vars", []byte("token = \""+token+"\"\n"), 0o600))
	cursor := s.sh("journalctl -n 1 --show-cursor -o cat | sed -n 's/^-- cursor: //p'")

	ctx, stop := context.WithCancel(t.Context())
	arguments := s.watchArguments(ctx)
	var said strings.Builder
	with := func(want int, args ...string) {
		t.Helper()
		said.WriteString(s.vpnd(want, append([]string{"--var-file", "/etc/vpnd/vpnd.vars"}, args...)...))
	}
	with(0, "plan")
	with(0, "plan", "--json")
	with(0, "plan", "--out", "/root/plan")
	with(0, "apply", "--yes", "/root/plan")
	s.run("sh", "-c", "echo changed > /etc/acme/token; chmod 0644 /etc/acme/key; echo >> /etc/openvpn/server/office/server.key")
	with(3, "drift")
	with(3, "drift", "--json")
	with(0, "apply", "--yes")
	s.ok(s.Write(t.Context(), map[string]string{"vpn.hcl": strings.Replace(leaky, "token=", "new=", 1)}))
	with(0, "apply", "--yes")
	with(0, "rollback", "--yes")
	for _, args := range [][]string{{"show"}, {"show", `secret_file["/etc/acme/token"]`}, {"history"}, {"history", "--long"}, {"history", "--json"}} {
		with(0, args...)
	}
	s.ok(s.Write(t.Context(), map[string]string{"vpn.hcl": leaky + "\nfile \"/etc/acme/x\" { content = var.token }\nsysctl \"x\" { value = base64encode(var.token) }\n"}))
	with(1, "apply", "--yes")
	stop()

	secrets := s.secrets()
	for where, text := range map[string]string{
		"the output of vpnd":        said.String(),
		"the saved plan":            s.sh("cat /root/plan"),
		"the journal":               s.sh("journalctl --after-cursor='" + cursor + "' -o export | cat"),
		"arguments of a process":    <-arguments,
		"the records and history":   s.sh("cat /var/lib/vpnd/records.jsonl /var/lib/vpnd/history.jsonl"),
		"what lies in /run":         s.sh("cat $(find /run/vpnd -type f)"),
		"files that others can see": s.sh("find / -xdev -type f -perm /044 -newer /root/plan -not -path '/proc/*' -not -path '/sys/*' -print0 | xargs -0 cat"),
	} {
		if text == "" {
			t.Errorf("there is nothing to look at in %s", where)
		}
		for what, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %s", where, what)
			}
		}
	}
}

// secrets are pieces of what must not be seen, with where each is from.
func (s scene) secrets() map[string]string {
	s.t.Helper()
	found := map[string]string{"the token": token, "the token in base64": "czNjcmV0LXQwa2Vu"}
	for _, file := range strings.Fields(s.sh("find /var/lib/vpnd/pki /etc/acme -name '*key'")) {
		data, err := s.Gateway.ReadFile(file)
		s.ok(err)
		lines := strings.Split(strings.TrimSpace(string(data)), "\n")
		found["the middle of "+file] = lines[len(lines)/2]
		if block, _ := pem.Decode(data); block != nil {
			found["the bytes of "+file] = string(block.Bytes)
		}
	}
	if len(found) < 8 {
		s.t.Fatalf("only %d secrets were found to look for", len(found))
	}
	return found
}

// watchArguments reads the arguments and the environment of all processes on
// the gateway over and over until ctx ends, and then returns all that it saw.
func (s scene) watchArguments(ctx context.Context) <-chan string {
	seen := make(chan string, 1)
	cmd := s.Gateway.Command(ctx, "sh", "-c", "while :; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '; sleep 0.01; done")
	var out strings.Builder
	cmd.Stdout = &out
	s.ok(cmd.Start())
	go func() {
		_ = cmd.Wait()
		seen <- out.String()
	}()
	return seen
}
