package file

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vpnd/internal/resource"
)

func TestRefusedContentLeavesTheOld(t *testing.T) {
	root := accounts(t)
	put(t, root, "/etc/x", "old")
	refuse := func(_ context.Context, path string) error {
		data, err := os.ReadFile(path)
		return errors.Join(errors.New("line 1: bad "+string(data)), err)
	}
	v := FileVerbs{Root: root, Validators: map[string]Validator{"vpnd:no": refuse}, Timeout: 300 * time.Millisecond}
	for _, c := range []struct {
		validate []string
		want     string
	}{
		{[]string{"sh", "-c", "cat {} >&2; exit 3"}, "sh refuses the new content: exit status 3\nnew"},
		{[]string{"grep", "-q", "old", "{}"}, "grep refuses the new content: exit status 1"},
		{[]string{"sh", "-c", "sleep 60 & sleep 60; : {}"}, "sh did not answer within 300ms, so the old file stays"},
		{[]string{"/no/such/command", "{}"}, "/no/such/command refuses the new content: fork/exec /no/such/command: no such file or directory"},
		{[]string{"vpnd:no"}, "vpnd:no refuses the new content: line 1: bad new"},
		{[]string{"vpnd:unknown"}, `there is no validator "vpnd:unknown" built in; give a command in which {} stands for the path`},
	} {
		want := text("new")
		want.Validator = c.validate
		start := time.Now()
		if err := wish(t, v, "/etc/x", want); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v", c.validate, err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s took %s", c.validate, took)
		}
		holds(t, root, "/etc/x", "old")
	}
	if left, err := os.ReadDir(filepath.Join(root, "etc")); err != nil || len(left) != 3 {
		t.Errorf("left behind: %v %v", left, err)
	}
	want := text("new")
	want.Validator = []string{"grep", "-q", "new", "{}"}
	if err := wish(t, v, "/etc/x", want); err != nil {
		t.Error(err)
	}
}

func TestValidatorIsNotQuotedForSecrets(t *testing.T) {
	root := accounts(t)
	quote := func(_ context.Context, path string) error {
		data, _ := os.ReadFile(path)
		return errors.New(string(data))
	}
	v := SecretFileVerbs{Root: root, Validators: map[string]Validator{"vpnd:quote": quote}}
	for _, c := range []struct {
		validate []string
		want     string
	}{
		{[]string{"sh", "-c", "cat {}; exit 1"}, "sh refuses the new content (exit status 1); what it says is not shown, since that may quote the secret"},
		{[]string{"vpnd:quote"}, "vpnd:quote refuses the new content (an error); what it says is not shown, since that may quote the secret"},
		{[]string{"no-such-command", "{}"}, "no-such-command refuses the new content (it can't be started: executable file not found in $PATH); what it says is not shown, since that may quote the secret"},
	} {
		want := SecretFile{Content: resource.NewSecret("hush"), Mode: mode(0o600), Validator: c.validate}
		if err := wish(t, v, "/etc/x", want); err == nil || err.Error() != c.want {
			t.Error(err)
		}
	}
}

func TestLongAnswerIsCut(t *testing.T) {
	v := FileVerbs{Root: accounts(t)}
	want := text("new")
	want.Validator = []string{"sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x; : {}; exit 1"}
	if err := wish(t, v, "/etc/x", want); err == nil || len(err.Error()) > maxOutput+100 || !strings.HasPrefix(err.Error(), "sh refuses the new content: exit status 1\nxxx") {
		t.Errorf("%.200v", err)
	}
}
