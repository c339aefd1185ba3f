package auth

import (
	"context"

	"vpnd/internal/kind/file"
	kindopenvpn "vpnd/internal/kind/openvpn"
	"vpnd/internal/resource"
)

// Requirements are what the block needs of the host: the plugin, PAM's files and
// modules, a program that nobody but root can change.
func (s Server) Requirements() []resource.Requirement {
	if s.Auth == nil {
		return nil
	}
	var all []resource.Requirement
	need := func(path string, met func(plan resource.Prospect) *resource.Mistake) {
		all = append(all, resource.Requirement{Path: "auth." + path, Met: func(_ context.Context, plan resource.Prospect) *resource.Mistake { return met(plan) }})
	}
	if s.usesPAM() {
		need("pam.plugin", func(plan resource.Prospect) *resource.Mistake {
			return kindopenvpn.Plugin(resource.Or(s.pam().Plugin, defaultPlugin), plan)
		})
	}
	if s.PAM != nil && s.PAM.Service != nil {
		need("pam.service", func(plan resource.Prospect) *resource.Mistake {
			return own(services+*s.PAM.Service, plan)
		})
	}
	if s.PAM != nil && s.makesService() {
		need("pam.include", func(plan resource.Prospect) *resource.Mistake {
			return file.There(services+resource.Or(s.PAM.Include, defaultInclude), plan)
		})
	}
	if s.TOTP != nil {
		need("totp", func(plan resource.Prospect) *resource.Mistake {
			return kindopenvpn.PAMModule("pam_google_authenticator.so", resource.Or(s.TOTP.Package, defaultPackage), plan)
		})
	}
	if len(s.Command) > 0 {
		need("command", func(plan resource.Prospect) *resource.Mistake { return own(s.Command[0], plan) })
	}
	return all
}

// own wants a file to be there, and to be root's alone.
func own(name string, plan resource.Prospect) *resource.Mistake {
	if m := file.There(name, plan); m != nil {
		return m
	}
	return kindopenvpn.Trusted(name)
}
