// Package file converges regular files, secret files and folders.
package file

import "vpnd/internal/resource"

// File is a regular file that anyone may know of. Its name is its absolute
// path.
type File struct {
	Content  *string        `vpnd:"content,text" doc:"what the file holds"`
	Source   *string        `vpnd:"source,hint" doc:"a file to take the content from, relative to the configuration; instead of content"`
	Mode     *resource.Mode `vpnd:"mode,meta" doc:"permissions" default:"0644"`
	Owner    *string        `vpnd:"owner,meta" doc:"user that owns the file, by name or number" default:"root"`
	Group    *string        `vpnd:"group,meta" doc:"group that owns the file, by name or number" default:"root"`
	Validate []string       `vpnd:"validate,hint" doc:"a command that must accept the new content before it replaces the old; {} stands for the path of the new file"`
}

// SecretFile is a file whose content is never shown. Its name is its absolute
// path.
type SecretFile struct {
	Content  *resource.Secret `vpnd:"content" doc:"what the file holds"`
	Source   *string          `vpnd:"source,hint" doc:"a file to take the content from, relative to the configuration; instead of content"`
	Mode     *resource.Mode   `vpnd:"mode,meta" doc:"permissions; others may have none" default:"0600"`
	Owner    *string          `vpnd:"owner,meta" doc:"user that owns the file, by name or number" default:"root"`
	Group    *string          `vpnd:"group,meta" doc:"group that owns the file, by name or number" default:"root"`
	Validate []string         `vpnd:"validate,hint" doc:"a command that must accept the new content before it replaces the old; {} stands for the path of the new file"`
}

// Directory is a folder. Its name is its absolute path; what is in it is not
// its concern, and it is removed only when empty.
type Directory struct {
	Mode  *resource.Mode `vpnd:"mode,meta" doc:"permissions" default:"0755"`
	Owner *string        `vpnd:"owner,meta" doc:"user that owns the folder, by name or number" default:"root"`
	Group *string        `vpnd:"group,meta" doc:"group that owns the folder, by name or number" default:"root"`
}
