package ipsec

import (
	"strings"
	"testing"
	"time"

	"vpnd/internal/resource"
)

// SAs that would get new keys at once, again and again, or never, are refused.
func TestLives(t *testing.T) {
	for _, c := range []struct{ rekey, over, childRekey, life, mistake string }{
		{"4h", "24m", "1h", "66m", ""},
		{"20s", "20s", "8s", "16s", ""},
		{"20s", "60s", "8s", "13s", "over_time"},
		{"20s", "10s", "8s", "60s", "child.net.life_time"},
		{"20s", "10s", "8s", "8s", "child.net.life_time"},
		{"0s", "10s", "0s", "1h", ""},
		{"4h", "", "1h", "", ""},
	} {
		m := &mistakes{}
		m.lives(&Connection{RekeyTime: lasts(t, c.rekey), OverTime: lasts(t, c.over), Children: []Child{{Name: "net", RekeyTime: lasts(t, c.childRekey), LifeTime: lasts(t, c.life)}}})
		var paths []string
		for _, mistake := range m.all {
			paths = append(paths, mistake.Path)
		}
		if got := strings.Join(paths, " "); got != c.mistake {
			t.Errorf("%+v: mistakes at %q", c, got)
		}
	}
}

func lasts(t *testing.T, text string) *resource.Duration {
	if text == "" {
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return resource.Ptr(resource.Duration(d))
}
