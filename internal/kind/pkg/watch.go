package pkg

import (
	"context"

	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// Watch hears when the package manager writes its database. Which package it
// was about, it can't tell.
func (v Verbs) Watch(ctx context.Context, _ []string, kick func(resource.Hint)) error {
	return notice.Files{
		Root:    v.Root,
		Paths:   []string{"/var/lib/dpkg/status", "/var/lib/rpm/", "/usr/lib/sysimage/rpm/"},
		Begin:   func() { kick(resource.Hint{}) },
		Changed: func(_, by string) { kick(resource.Hint{By: by}) },
		Shared:  v.Shared,
	}.Listen(ctx)
}
