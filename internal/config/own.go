package config

import (
	"path"

	"vpnd/internal/config/settings"

	"github.com/hashicorp/hcl/v2"
)

// checkOwn reports whatever is wished for at a path that vpnd itself needs: who
// owns the state owns the host, and a configuration that writes itself is nobody's
// word.
func (l *loader) checkOwn(s settings.Settings) {
	if l.src.Own == nil {
		return
	}
	for _, b := range l.order {
		for _, id := range b.owned {
			if l.catalog.Traits(id.Kind).Path && path.IsAbs(id.Name) {
				l.checkOwnPath(s, b.rng, id.String(), id.Name)
			}
		}
	}
	if s.Metrics != nil && s.Metrics.Textfile != nil && len(l.settings) > 0 {
		l.checkOwnPath(s, l.settings[0].DefRange, "metrics", *s.Metrics.Textfile)
	}
}

func (l *loader) checkOwnPath(s settings.Settings, at hcl.Range, what, name string) {
	if own := l.src.Own(s, path.Clean(name)); own != "" {
		l.errorAt(at, "A path of vpnd's own", "%s would be in the place of %s. Give it another path.", what, own)
	}
}
