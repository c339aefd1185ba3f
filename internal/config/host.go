package config

import (
	"fmt"
	"path"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config/declare"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/eval"
	"vpnd/internal/config/shape"
	"vpnd/internal/config/source"
	"vpnd/internal/resource"
)

// A host is asked what only it can tell of the paths in a configuration.
type host struct {
	src    Source
	values eval.Result
	at     hcl.Range // of the settings
	trust  *source.Trust
	told   *diag.List
}

// own returns what tells of vpnd's own paths, and nil where nothing is its own.
func (h host) own() func(path string) string {
	if h.src.Own == nil {
		return nil
	}
	return h.src.Own(h.values.Settings)
}

// checkPrograms reports programs of the configuration that others could put
// something else in the place of.
func (h host) checkPrograms() {
	for i, n := range h.values.Settings.Notify {
		h.checkProgram(h.values.SettingsAt.Find(fmt.Sprintf("notify[%d].command", i), h.at), n.Command)
	}
	for _, c := range h.values.Checks {
		h.checkProgram(c.Range, c.Command)
	}
	for _, b := range h.values.Blocks {
		runner, ok := b.Shape.(resource.Runner)
		if !ok || b.Failed {
			continue
		}
		for _, c := range runner.Runs() {
			h.checkProgram(b.At.Find(c.Path, b.Range), []string{c.Value})
		}
	}
}

// checkTunnels reports checks of tunnels that this configuration does not have. Where
// something is wrong, nobody knows which it has.
func (h host) checkTunnels(c resource.Catalog, present []resource.Resource) {
	has, wrong := make(map[resource.ID]bool, len(present)), h.told.HasErrors()
	for _, r := range present {
		has[r.ID] = true
	}
	known := func(blockType string) bool { return shape.New(c, blockType) != nil }
	for i, check := range h.values.Checks {
		if check.Tunnel == nil {
			continue
		}
		if m := check.Tunnel.Mistake(known, c.Traits, func(id resource.ID) bool { return has[id] || wrong }); m != nil {
			h.told.Tell(diag.Mistake(*m, fmt.Sprintf("%s[%q]", declare.TypeCheck, check.Name), h.values.ChecksAt[i].Find(m.Path, check.Range)))
		}
	}
}

func (h host) checkProgram(at hcl.Range, command []string) {
	if len(command) > 0 && filepath.IsAbs(command[0]) {
		h.trust.Refuses(at, command[0], h.told)
	}
}

// checkTextfile reports figures that would be written over what is vpnd's own, or
// where others could lead them.
func (h host) checkTextfile() {
	m := h.values.Settings.Metrics
	if m == nil || m.Textfile == nil {
		return
	}
	at, file := h.values.SettingsAt.Find("metrics.textfile", h.at), path.Clean(*m.Textfile)
	if h.src.Own != nil {
		if own := h.src.Own(h.values.Settings)(file); own != "" {
			h.told.Error(at, "A path of vpnd's own", "metrics.textfile would be in the place of %s. Give it another path.", own)
			return
		}
	}
	if h.src.Place == nil {
		return
	}
	if err := h.src.Place(file); err != nil {
		h.told.Error(at, "Others could have this written elsewhere", "%s", diag.Sentence(err))
	}
}
