package mistakes

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vpnd/internal/resource"
)

func TestCheck(t *testing.T) {
	number, inside, outside := 5, "/etc/vpnd/key", "/etc/../key"
	for name, c := range map[string]struct {
		block string
		look  func(*Check)
		want  []resource.Mistake
	}{
		"a mistake": {"", func(c *Check) { c.Add("port", "take another", "%d is taken", 22) }, []resource.Mistake{{Path: "port", Summary: "22 is taken", Hint: "take another"}}},
		"a warning": {"", func(c *Check) { c.Warn("port", "take another", "odd") }, []resource.Mistake{{Path: "port", Summary: "odd", Hint: "take another", Warning: true}}},
		"a block":   {"auth", func(c *Check) { c.Add("pam", "no", "yes"); c.Add("", "no", "yes") }, []resource.Mistake{{Path: "auth.pam", Summary: "yes", Hint: "no"}, {Path: "auth", Summary: "yes", Hint: "no"}}},
		"words":     {"", func(c *Check) { c.OneOf("dev", "tun", "tun", "tap"); c.OneOf("dev", "tin", "tun", "tap") }, []resource.Mistake{{Path: "dev", Summary: `"tin" is none of its words`, Hint: "use one of tun, tap"}}},
		"bounds": {"", func(c *Check) {
			c.Between("mtu", nil, 6, 9)
			c.Between("mtu", &number, 5, 5)
			c.Between("mtu", &number, 6, 9)
			c.Between("mtu", &number, 1, 4)
		}, []resource.Mistake{{Path: "mtu", Summary: "5 is out of range", Hint: "use a number from 6 to 9"}, {Path: "mtu", Summary: "5 is out of range", Hint: "use a number from 1 to 4"}}},
		"networks": {"", func(c *Check) {
			c.Masked("to", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.0.0.1/8")})
		}, []resource.Mistake{{Path: "to", Summary: "10.0.0.1/8 has bits set behind its prefix", Hint: "write 10.0.0.0/8"}}},
		"paths": {"", func(c *Check) {
			c.Path("key", nil)
			c.Path("key", &inside)
			c.Path("key", &outside)
		}, []resource.Mistake{{Path: "key", Summary: `"/etc/../key" is no absolute path`, Hint: "write it from the root, without .. and without control characters"}}},
	} {
		check := Check{Block: c.block}
		c.look(&check)
		if diff := cmp.Diff(c.want, check.Found); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if failed := name != "a warning"; check.Failed() != failed {
			t.Errorf("%s: failed is %t", name, !failed)
		}
	}
}

func TestHasControl(t *testing.T) {
	for text, want := range map[string]bool{"": false, "a b": false, "ä": false, "a\nb": true, "\x7f": true, "\u0085": true} {
		if HasControl(text) != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
}
