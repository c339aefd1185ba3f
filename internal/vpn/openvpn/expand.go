package openvpn

import (
	"vpnd/internal/kind/file"
	"vpnd/internal/kind/pkg"
	"vpnd/internal/resource"
)

// Expand returns all that the server and its clients need: what its processes share,
// each process, and the profiles, which lead to all of them.
func (s *Server) Expand(name string) ([]resource.Resource, error) {
	all, err := s.settings(name)
	if err != nil {
		return nil, err
	}
	e := &expansion{settings: all}
	e.addPackage()
	e.addDirectories()
	e.addKeys()
	e.addFirewall()
	e.addGroups()
	for _, one := range all.instances {
		e.addProcess(one)
	}
	e.addProfiles()
	return e.resources, nil
}

// expansion collects resources.
type expansion struct {
	*settings
	resources []resource.Resource
	readers   []resource.Trigger // what every process reads, and what a change of it costs
	walls     []resource.ID      // chains that shall stand before a process starts
}

func (e *expansion) add(id resource.ID, want any, after ...resource.ID) *resource.Resource {
	e.resources = append(e.resources, resource.Resource{ID: id, Want: want, After: after})
	return &e.resources[len(e.resources)-1]
}

// read notes that every process reads a resource.
func (e *expansion) read(id resource.ID, effect resource.Effect) {
	e.readers = append(e.readers, resource.Trigger{On: id, Do: effect})
}

var packageID = id("package", "openvpn")

func (e *expansion) addPackage() {
	if resource.Or(e.Package, true) {
		e.add(packageID, &pkg.Package{Installed: resource.Ptr(true)})
	}
}

// addDirectories makes the way to the CRL and to the files of the clients open to
// the user that OpenVPN becomes. Fedora's package closes /etc/openvpn/server:
// a server there would go on with an old CRL, and say so only in its log.
func (e *expansion) addDirectories() {
	e.add(id("directory", root), file.DirectoryOfRoot(0o755), packageID)
	e.add(id("directory", e.directory()), file.DirectoryOfRoot(0o755), id("directory", root))
	if e.persists() {
		e.add(id("directory", poolRoot), file.DirectoryOfRoot(0o755), packageID)
	}
}
