package daemon

import "vpnd/internal/resource"

// by returns who changed a thing, as far as a watcher saw it.
func (l *look) by(id resource.ID) string {
	for i := len(l.hints) - 1; i >= 0; i-- {
		h := l.hints[i]
		if h.By != "" && h.Kind == id.Kind && (h.Name == "" || h.Name == id.Name) {
			return h.By
		}
	}
	return ""
}

// how returns how a drift was noticed: an event counts only where it was about
// that kind.
func (l *look) how(id resource.ID) string {
	if l.noticed == atStart || l.noticed == byReload {
		return l.noticed
	}
	for _, h := range l.hints {
		if h.Kind == id.Kind || h.Kind == "" {
			return byEvent
		}
	}
	return l.noticed
}
