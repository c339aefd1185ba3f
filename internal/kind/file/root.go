package file

import "vpnd/internal/resource"

// OfRoot returns a file of root's.
func OfRoot(content string, mode resource.Mode) *File {
	return &File{Content: &content, Mode: &mode, Owner: resource.Ptr("root"), Group: resource.Ptr("root")}
}

// DirectoryOfRoot returns a directory of root's.
func DirectoryOfRoot(mode resource.Mode) *Directory {
	return &Directory{Mode: &mode, Owner: resource.Ptr("root"), Group: resource.Ptr("root")}
}
