// Package file converges regular files, secret files and directories.
package file

import "vpnd/internal/resource"

// File is a regular file that anyone may know of. Its name is its absolute
// path. Without content and source the content is not managed: a file that is
// not there is made empty, and what stands in it is left alone.
type File struct {
	Content   *string        `vpnd:"content,text,glance" doc:"what the file holds; a plan shows it, and what stood there before where all may read that: secrets belong in secret_file"`
	Source    *string        `vpnd:"source,hint" doc:"a file to take the content from, relative to the configuration; instead of content"`
	Mode      *resource.Mode `vpnd:"mode,meta" doc:"permissions" default:"0644"`
	Owner     *string        `vpnd:"owner,meta" doc:"user that owns the file, by name or number" default:"root"`
	Group     *string        `vpnd:"group,meta" doc:"group that owns the file, by name or number" default:"root"`
	Validator []string       `vpnd:"validate,hint" doc:"a command that must accept the new content before it replaces the old; a plan asks it too, so it changes nothing; {} stands for the path of the new file"`
	Link      *string        `vpnd:"link,computed" doc:"where a symbolic link leads that stands in the place of the file; empty for a regular file"`
}

// SecretFile is a file whose content is never shown. Its name is its absolute
// path. Without content and source the content is not managed, as with [File].
type SecretFile struct {
	Content   *resource.Secret `vpnd:"content" doc:"what the file holds"`
	Source    *string          `vpnd:"source,hint" doc:"a file to take the content from, relative to the configuration; instead of content"`
	Mode      *resource.Mode   `vpnd:"mode,meta" doc:"permissions; others may have none" default:"0600"`
	Owner     *string          `vpnd:"owner,meta" doc:"user that owns the file, by name or number" default:"root"`
	Group     *string          `vpnd:"group,meta" doc:"group that owns the file, by name or number" default:"root"`
	Validator []string         `vpnd:"validate,hint" doc:"a command that must accept the new content before it replaces the old; a plan asks it too, so it changes nothing; {} stands for the path of the new file"`
	Link      *string          `vpnd:"link,computed" doc:"where a symbolic link leads that stands in the place of the file; empty for a regular file"`
}

// Directory is a directory. Its name is its absolute path; what is in it is not
// its concern, and it is removed only when empty. Its parent must be there or
// be declared too.
type Directory struct {
	Mode  *resource.Mode `vpnd:"mode,meta" doc:"permissions" default:"0755"`
	Owner *string        `vpnd:"owner,meta" doc:"user that owns the directory, by name or number" default:"root"`
	Group *string        `vpnd:"group,meta" doc:"group that owns the directory, by name or number" default:"root"`

	Alone *bool `vpnd:"alone,computed,hint" doc:"whether it is for what vpnd keeps there alone"`
}
