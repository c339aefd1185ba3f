package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"vpnd/internal/config"
	"vpnd/internal/daemon"
	"vpnd/internal/lock"
	"vpnd/internal/notice"
	"vpnd/internal/systemd"
)

func (a *app) daemonCommand() *cobra.Command {
	var reload bool
	c := &cobra.Command{
		Use:   "daemon",
		Short: "Keep the host as the configuration says, until it is told to end",
		Long: `Makes the host as the configuration says and keeps it so: it looks at the whole
host from time to time, and at once where something happens. SIGHUP makes it read
the files again; where they are invalid, it says so, and the last good
configuration stays in force (vpnd daemon --reload sends it and fails then, and so
does systemctl reload vpnd). SIGTERM ends it; the host stays as it is. Under
systemd it is the unit vpnd.service. vpnd status tells what it sees.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if reload {
				return a.reload(c.Context())
			}
			return a.daemon(c.Context())
		},
	}
	c.Flags().BoolVar(&reload, "reload", false, "have the daemon that runs read its files again, and fail where it does not take them")
	return c
}

func (a *app) daemon(ctx context.Context) error {
	if filepath.Clean(a.root) != "/" {
		return errors.New("a daemon is for a host that runs; another root is converged once, by vpnd apply")
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	a.shared = new(notice.Shared)
	cfg, _, err := a.read(false)
	if err != nil {
		return err
	}
	return daemon.Run(ctx, daemon.Options{
		Catalog: a.catalog(),
		Load: func() (*config.Config, hcl.Diagnostics) {
			cfg, diags, err := a.read(false)
			if err != nil {
				diags = diags.Append(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unreadable command line", Detail: upper(err.Error()) + "."})
			}
			return cfg, diags
		},
		Paths: a.config, StateDir: a.dir(cfg), RunDir: a.runDir, Version: Version,
		Log: a.log(), Reload: hangup, Now: time.Now,
		Service: daemon.Service{Tell: systemd.Notifier(), Booting: systemd.Booting, Alive: systemd.Watchdog()},
		Host:    daemon.Host{Busy: lock.PackageManager, Undo: a.deadline, Files: a.shared.Inotify.Watch},
	})
}
