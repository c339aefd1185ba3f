package settings

import (
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

// operators of required_version, the longer ones first.
var operators = []string{">=", "<=", "!=", "~>", ">", "<", "="}

// VersionProblem says why this version of vpnd is not one that is wanted, or
// "" where it is. A build that has no version is taken for any.
func (s *Settings) VersionProblem(version string) string {
	if s.RequiredVersion == nil {
		return ""
	}
	return versionProblem(*s.RequiredVersion, version)
}

func versionProblem(want, version string) string {
	have := canonical(version)
	for _, part := range strings.Split(want, ",") {
		part = strings.TrimSpace(part)
		op, number := "=", part
		for _, o := range operators {
			if rest, ok := strings.CutPrefix(part, o); ok {
				op, number = o, strings.TrimSpace(rest)
				break
			}
		}
		limit := canonical(number)
		if limit == "" {
			return fmt.Sprintf("%q is no condition on a version; write it as in \">= 0.1, < 2.0\".", part)
		}
		if have != "" && !meets(have, op, limit, strings.Count(number, ".")) {
			return fmt.Sprintf("This is vpnd %s, and the configuration asks for %s. Install such a version, or change required_version.", version, want)
		}
	}
	return ""
}

// canonical returns a version as package semver wants it, or "" for none.
func canonical(version string) string {
	return semver.Canonical("v" + strings.TrimPrefix(version, "v"))
}

// meets compares two versions; dots says how exact the limit was written,
// which ~> goes by: ~> 1.2 allows 1.9, ~> 1.2.0 does not.
func meets(have, op, limit string, dots int) bool {
	c := semver.Compare(have, limit)
	switch op {
	case ">=":
		return c >= 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	case "<":
		return c < 0
	case "!=":
		return c != 0
	case "~>":
		prefix := semver.Major
		if dots > 1 {
			prefix = semver.MajorMinor
		}
		return c >= 0 && prefix(have) == prefix(limit)
	default:
		return c == 0
	}
}
