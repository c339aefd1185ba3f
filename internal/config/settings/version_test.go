package settings

import "testing"

func TestVersions(t *testing.T) {
	for _, c := range []struct {
		want, version string
		ok            bool
	}{
		{">= 0.1", "0.1.0", true},
		{">= 0.1", "v0.0.9", false},
		{">= 0.1, < 2.0", "1.9.9", true},
		{">= 0.1, < 2.0", "2.0.0", false},
		{"0.3.0", "0.3.0", true},
		{"= 0.3", "0.3.1", false},
		{"!= 0.3.1", "0.3.1", false},
		{"~> 1.2", "1.9.0", true},
		{"~> 1.2", "2.0.0", false},
		{"~> 1.2", "1.1.0", false},
		{"~> 1.2.3", "1.2.9", true},
		{"~> 1.2.3", "1.3.0", false},
		{"> 1.0.0", "1.0.0", false},
		{"<= 1.0", "1.0.0", true},
		{">= 1.0", "devel", true},
		{"soon", "1.0.0", false},
		{">= 1.0,", "1.0.0", false},
	} {
		if problem := versionProblem(c.want, c.version); (problem == "") != c.ok {
			t.Errorf("%q with %s: %q", c.want, c.version, problem)
		}
	}
}
