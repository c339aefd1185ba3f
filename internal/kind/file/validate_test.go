package file

import (
	"strings"
	"testing"

	"vpnd/internal/resource"
)

func TestMistakes(t *testing.T) {
	content, empty, colon := "x", "", "a:b"
	for _, c := range []struct {
		name  string
		shape resource.Validator
		want  string // paths and summaries
	}{
		{"/etc/x", &File{Content: &content, Mode: mode(0o644)}, ""},
		{"/etc/x", &SecretFile{Mode: mode(0o640)}, ""},
		{"/tmp/x", &Directory{Mode: mode(0o1777)}, ""},
		{"etc/x", &File{}, `: "etc/x" is no absolute path`},
		{"/etc/../x/", &SecretFile{}, `: "/etc/../x/" is not the shortest form of that path`},
		{"/", &Directory{}, ": the root directory is not vpnd's to manage"},
		{"/etc/a\nb", &Directory{}, `: the path "/etc/a\nb" holds a control character`},
		{"/proc/sys/net/ipv4/ip_forward", &File{}, ": /proc/sys/net/ipv4/ip_forward belongs to the kernel, which has no files to replace"},
		{"/etc/" + strings.Repeat("a", 241), &File{}, `: the name "` + strings.Repeat("a", 241) + `" is longer than 240 bytes`},
		{
			"/etc/x",
			&File{Content: &content, Source: &content, Owner: &empty, Group: &colon, Mode: mode(0o666), Validator: []string{"true"}},
			`source: content and source are both given; owner: "" can be no name of an account; group: "a:b" can be no name of an account; ` +
				`validate: the command is not told which file to look at; mode: mode 0666 lets everybody change the file (warning)`,
		},
		{"/etc/x", &File{Source: &empty, Validator: []string{}}, "source: the source is empty; validate: the command is empty"},
		{"/etc/x", &SecretFile{Mode: mode(0o604)}, "mode: mode 0604 lets others see or change a secret"},
		{"/etc/x", &SecretFile{Mode: mode(0o660)}, "mode: mode 0660 lets others see or change a secret"},
		{"/etc/x", &SecretFile{Mode: mode(0o601)}, "mode: mode 0601 lets others see or change a secret"},
		{"/etc/x", &Directory{Mode: mode(0o777), Owner: &empty}, `owner: "" can be no name of an account; mode: mode 0777 lets everybody replace what is in the directory (warning)`},
	} {
		var got []string
		for _, m := range c.shape.Validate(c.name) {
			said := m.Path + ": " + m.Summary
			if m.Warning {
				said += " (warning)"
			}
			if m.Hint == "" {
				t.Errorf("%s: no way out of %s", c.name, said)
			}
			got = append(got, said)
		}
		if all := strings.Join(got, "; "); all != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, all, c.want)
		}
	}
}

func TestTooLargeContentIsAMistake(t *testing.T) {
	big := strings.Repeat("x", maxSize+1)
	found := (&File{Content: &big}).Validate("/etc/x")
	if len(found) != 1 || found[0].Summary != "the content is larger than 64 MiB" {
		t.Errorf("%+v", found)
	}
}
