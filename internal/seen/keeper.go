package seen

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// How often is looked, and after how long what was seen is written though nobody came
// or went: sightings of who stays connected are no more than that late after a crash.
const (
	every = time.Minute
	late  = 10 * time.Minute
)

// A Keeper looks who is connected and remembers it. It lives beside the loop of the
// agent: a server that does not answer keeps no pass waiting.
type Keeper struct {
	dir     string
	catalog resource.Catalog
	log     *slog.Logger
	now     func() time.Time
	every   time.Duration

	mu     sync.Mutex
	looked status.VPNs // whom to ask
	wake   chan struct{}

	memory  Memory
	kept    bool // it lies in its file
	written time.Time
	failure string
	stop    context.CancelFunc
	done    chan struct{}
}

// NewKeeper returns a keeper whose memory lies in that directory.
func NewKeeper(dir string, c resource.Catalog, log *slog.Logger, now func() time.Time) *Keeper {
	return &Keeper{dir: dir, catalog: c, log: log, now: now, every: every, wake: make(chan struct{}, 1)}
}

// Follow has it look at those servers and tunnels from now on.
func (k *Keeper) Follow(v status.VPNs) {
	k.mu.Lock()
	defer k.mu.Unlock()
	more := len(v.Servers) > len(k.looked.Servers) || len(v.Tunnels) > len(k.looked.Tunnels)
	k.looked = status.VPNs{Servers: slices.Clone(v.Servers), Tunnels: v.Tunnels}
	if more {
		select {
		case k.wake <- struct{}{}:
		default:
		}
	}
}

// Start begins to look.
func (k *Keeper) Start(ctx context.Context) {
	var err error
	if k.memory, err = Read(k.dir); err != nil {
		k.log.Warn("who was seen last is lost, and is remembered from now on", "error", err)
	}
	k.kept = !k.memory.Since.IsZero()
	ctx, k.stop = context.WithCancel(ctx)
	k.done = make(chan struct{})
	go k.run(ctx)
}

func (k *Keeper) run(ctx context.Context) {
	defer close(k.done)
	t := time.NewTicker(k.every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		case <-k.wake:
		}
		k.look(ctx)
	}
}

// look asks once, and writes where somebody came, or nothing was written for long.
func (k *Keeper) look(ctx context.Context) {
	k.mu.Lock()
	v := status.VPNs{Servers: slices.Clone(k.looked.Servers), Tunnels: slices.Clone(k.looked.Tunnels)}
	v.Tunnels = slices.DeleteFunc(v.Tunnels, func(t status.Tunnel) bool { return !dialsIn(t) })
	k.mu.Unlock()
	if len(v.Servers)+len(v.Tunnels) == 0 {
		return
	}
	v.Ask(ctx, k.catalog)
	if ctx.Err() != nil {
		return
	}
	k.forget()
	seen := Sightings(k.now(), v)
	if k.memory.note(k.now(), seen) || len(seen) > 0 && k.now().Sub(k.written) >= late {
		k.write()
	}
}

// write says once that it can't.
func (k *Keeper) write() {
	k.written = k.now()
	text := ""
	err := k.memory.Write(k.dir)
	if err != nil {
		text = err.Error()
	}
	k.kept = err == nil
	if text != "" && text != k.failure {
		k.log.Warn("who was seen last can't be kept", "error", text)
	}
	k.failure = text
}

// forget begins a new memory where somebody removed the file of this one, as a purge
// does: people who were to be forgotten don't come back with the next write.
func (k *Keeper) forget() {
	if _, err := os.Lstat(Path(k.dir)); k.kept && errors.Is(err, fs.ErrNotExist) {
		k.memory, k.kept = Memory{People: make(map[Person]Sighting)}, false
	}
}

// Stop ends it, with what was seen written down.
func (k *Keeper) Stop() {
	if k.stop == nil {
		return
	}
	k.stop()
	<-k.done
	if k.forget(); len(k.memory.People) > 0 {
		k.write()
	}
}
