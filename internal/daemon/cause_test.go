package daemon

import (
	"fmt"
	"testing"

	"vpnd/internal/resource"
)

func TestAllWhoWroteAreNamed(t *testing.T) {
	id := resource.ID{Kind: "file", Name: "/a"}
	hint := func(name, by string) resource.Hint { return resource.Hint{Kind: "file", Name: name, By: by} }
	many := []resource.Hint{}
	for i := range 500 {
		many = append(many, hint("", fmt.Sprintf("iptables (process %d)", i)))
	}
	for _, c := range []struct {
		want  string
		hints []resource.Hint
	}{
		{"", []resource.Hint{hint("", ""), hint("/a", ""), hint("/b", "vim (process 2)"), {By: "ip (process 3)"}}},
		{"sed (process 1), vim (process 2)", []resource.Hint{
			hint("/a", "sed (process 1)"), hint("/a", ""), hint("/b", "other (process 3)"), hint("", "vim (process 2)"), hint("/a", "sed (process 1)"),
		}},
		{"iptables (process 497), iptables (process 498), iptables (process 499) and 497 before", many},
	} {
		if got := (&look{hints: c.hints}).by(id); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
