package openvpn

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"vpnd/internal/resource"
	"vpnd/internal/trust"
)

// Where programs look for what they load: plugins of OpenVPN, by the directory of a
// distribution, and modules of PAM.
var (
	pluginDirectories = []string{"/usr/lib/*/openvpn/plugins", "/usr/lib/openvpn", "/usr/lib/openvpn/plugins", "/usr/lib64/openvpn/plugins"}
	moduleDirectories = []string{"/lib/*/security", "/usr/lib/*/security", "/lib64/security", "/usr/lib64/security", "/lib/security", "/usr/lib/security"}
)

// Plugin wants a plugin of OpenVPN to be there, by its path or by its name among those
// that came with it.
func Plugin(name string, plan resource.Prospect) *resource.Mistake {
	places := pluginDirectories
	if filepath.IsAbs(name) {
		places, name = []string{filepath.Dir(name)}, filepath.Base(name)
	}
	if plan.Comes("package", "openvpn") {
		return nil
	}
	return within(places, name, "install a package that has it: openvpn on Debian and Fedora", plan)
}

// PAMModule wants a module of PAM to be there, which is in a package.
func PAMModule(name, packaged string, plan resource.Prospect) *resource.Mistake {
	hint := "install a package that has it"
	if packaged != "" {
		if plan.Comes("package", packaged) {
			return nil
		}
		hint = fmt.Sprintf("install the package %s, or leave package out and vpnd does", packaged)
	}
	return within(moduleDirectories, name, hint, plan)
}

// within wants a file to be in one of a few directories.
func within(places []string, name, hint string, plan resource.Prospect) *resource.Mistake {
	for _, place := range places {
		if found, _ := filepath.Glob(place + "/" + name); len(found) > 0 {
			return nil
		}
	}
	m := resource.Mistake{Summary: fmt.Sprintf("this host has no %s", name), Hint: hint}
	return plan.Lacking(m, resource.ID{Kind: resource.Path, Name: name})
}

// Trusted wants a file to be one that nobody but root can change: what it says opens
// the door.
func Trusted(name string) *resource.Mistake {
	err := trust.Path(name)
	var others *trust.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &others):
		summary := fmt.Sprintf("%s can be changed by %s, who could let anybody in", others.At, others.Who)
		return &resource.Mistake{Summary: summary, Hint: strings.ReplaceAll(others.Remedy, "\n", "; ")}
	default:
		return &resource.Mistake{Summary: err.Error(), Hint: "look at it"}
	}
}
