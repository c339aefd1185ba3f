package revoked

import (
	"testing"

	"vpnd/internal/engine"
	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

// Who loses a certificate is shut out where a list says so that stays.
func TestBy(t *testing.T) {
	result := func(kind string, action engine.Action) engine.Result {
		return engine.Result{Change: engine.Change{ID: resource.ID{Kind: kind, Name: "/" + kind}, Action: action}}
	}
	gone := result(pki.KindCertificate, engine.Remove)
	for what, c := range map[string]struct {
		results []engine.Result
		want    bool
	}{
		"nothing":                       {nil, false},
		"a list bars them":              {[]engine.Result{gone, result(pki.KindCRL, engine.Update)}, true},
		"they are on a list no more":    {[]engine.Result{result(pki.KindAssembledFile, engine.Update), gone}, true},
		"the CA goes with its list":     {[]engine.Result{gone, result(pki.KindCRL, engine.Remove), result(pki.KindAssembledFile, engine.Update)}, false},
		"a certificate is made anew":    {[]engine.Result{result(pki.KindCertificate, engine.Update), result(pki.KindCRL, engine.Update)}, false},
		"all of a server without a CA":  {[]engine.Result{gone, result(pki.KindAssembledFile, engine.Remove)}, false},
		"somebody is let in beside her": {[]engine.Result{result(pki.KindCertificate, engine.Create), gone, result(pki.KindCRL, engine.Update)}, true},
	} {
		if got := By(engine.Report{Results: c.results}); got != c.want {
			t.Errorf("%s: %v", what, got)
		}
	}
}
