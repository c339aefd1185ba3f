package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// FormatVersion is the version of status.json and of events. The first number
// grows when something is taken away or changes its meaning.
const FormatVersion = "1.0"

// Status is what the daemon tells of itself and the host, in status.json.
type Status struct {
	FormatVersion string        `json:"format_version"`
	Version       string        `json:"version"`
	PID           int           `json:"pid"`
	Since         time.Time     `json:"since"`
	Mode          string        `json:"mode"` // enforce, observe; empty where nothing is in force
	Ready         bool          `json:"ready"`
	Stopped       bool          `json:"stopped,omitempty"`
	Booting       bool          `json:"booting,omitempty"`
	Waiting       string        `json:"waiting,omitempty"` // for whom repairs wait
	Error         string        `json:"error,omitempty"`   // why the last look came to nothing
	Configuration Configuration `json:"configuration"`
	Look          *Look         `json:"look,omitempty"`
	Next          time.Time     `json:"next,omitzero"`
	Apply         *Apply        `json:"apply,omitempty"`
	Drift         []Drift       `json:"drift"`             // what is wrong now
	Pending       []Pending     `json:"pending,omitempty"` // what the configuration asks for and is not done
	Recent        []Drift       `json:"recent,omitempty"`  // what was repaired last, the newest first
	Fights        []Fight       `json:"fights,omitempty"`
	Hold          *Hold         `json:"hold,omitempty"`
	Unconfirmed   *Unconfirmed  `json:"unconfirmed,omitempty"`
	Shut          []resource.ID `json:"shut,omitempty"`   // forwarding, off until the filter rules stand
	Checks        []string      `json:"checks,omitempty"` // that are watched
	Failing       []Failing     `json:"failing_checks,omitempty"`
	Unknown       []Unknown     `json:"unknown,omitempty"` // what could not be looked at
	Notes         []string      `json:"notes,omitempty"`
	MetricsError  string        `json:"metrics_error,omitempty"` // why nobody can be told figures
	Certificates  []Expiry      `json:"certificates,omitempty"`  // those that run out first
	CRLs          []Expiry      `json:"crls,omitempty"`

	CertificatesInAll int `json:"certificates_in_all,omitempty"` // listed or not

	Tunnels []Tunnel `json:"tunnels,omitempty"`
	Servers []Server `json:"openvpn_servers,omitempty"`
}

// Configuration is what became of the files.
type Configuration struct {
	Paths       []string  `json:"paths"`
	Read        time.Time `json:"read,omitzero"`
	Planned     time.Time `json:"planned,omitzero"` // when the host was last compared with what is in force
	Valid       bool      `json:"valid"`
	Diagnostics string    `json:"diagnostics,omitempty"` // mistakes and warnings, as vpnd validate prints them
	Changed     bool      `json:"changed,omitempty"`     // the files are valid, and ask for something else than what was taken
	Withheld    string    `json:"withheld,omitempty"`    // why the files are not taken although they are valid: they would take too much away
	Resources   int       `json:"resources"`             // of the configuration in force
}

// Look is the last look at the host.
type Look struct {
	Time    time.Time `json:"time"`
	Seconds float64   `json:"seconds"`
	Noticed string    `json:"noticed"` // start, timer, event, reload or apply
}

// Apply is the last time that the daemon changed the host.
type Apply struct {
	Time    time.Time `json:"time"`
	Seconds float64   `json:"seconds"`
	Changed int       `json:"changed"`
	Failed  int       `json:"failed"`
	Error   string    `json:"error,omitempty"`
}

// Outcome is what the daemon did about a drift.
type Outcome string

// The outcomes.
const (
	Repaired  Outcome = "repaired"
	Failed    Outcome = "failed"
	Reported  Outcome = "reported"  // mode is observe
	Held      Outcome = "held"      // somebody undid it with vpnd rollback
	Contended Outcome = "contended" // another program changes it again and again
	Waits     Outcome = "waits"     // for another vpnd, a package manager or something that is lost
	UnderWay  Outcome = "under way" // its error is that of the last try
	Unseen    Outcome = "unknown"   // it can't be looked at; of events
	Lost      Outcome = "lost"      // a new one would void what others hold
)

// Drift is something that moved behind vpnd's back.
type Drift struct {
	ID      resource.ID     `json:"id"`
	Address string          `json:"address"` // the block that asks for it
	Action  engine.Action   `json:"action"`
	Reason  engine.Reason   `json:"reason"`
	Diffs   []resource.Diff `json:"diffs"` // secrets masked, long values shortened
	Since   time.Time       `json:"since"` // when it was noticed
	Noticed string          `json:"noticed"`
	By      string          `json:"by,omitempty"` // the program that did it, where known
	Outcome Outcome         `json:"outcome"`
	Error   string          `json:"error,omitempty"`
}

// Pending is a change of the configuration that is not done.
type Pending struct {
	ID      resource.ID   `json:"id"`
	Action  engine.Action `json:"action"`
	Reason  engine.Reason `json:"reason"`
	Outcome Outcome       `json:"outcome"`
	Error   string        `json:"error,omitempty"`
}

// Fight is a thing that another program changes as often as vpnd repairs it.
type Fight struct {
	ID      resource.ID `json:"id"`
	By      string      `json:"by,omitempty"`
	Since   time.Time   `json:"since"`
	Repairs int         `json:"repairs"`
	Until   time.Time   `json:"until,omitzero"` // left alone until then; none where it is repaired all the same
}

// Hold is what is not done again, since somebody undid it.
type Hold struct {
	Command string        `json:"command"`
	Since   time.Time     `json:"since"`
	IDs     []resource.ID `json:"ids"`
	All     bool          `json:"all,omitempty"` // everything but what guards the host, since a file of the state was damaged
}

// Unknown is a resource that could not be looked at.
type Unknown struct {
	ID      resource.ID `json:"id"`
	Address string      `json:"address"` // the block that asks for it
	Error   string      `json:"error"`
	Since   time.Time   `json:"since"` // when it was noticed
	Noticed string      `json:"noticed"`
	By      string      `json:"by,omitempty"` // the program that made it so, where known
}

// Expiry is when a certificate or a revocation list runs out.
type Expiry struct {
	ID       resource.ID `json:"id"`
	Block    string      `json:"block,omitempty"`
	NotAfter time.Time   `json:"not_after"`
	Fresh    bool        `json:"fresh"` // false once it is to be renewed
}

// Server is an OpenVPN server and who is connected to it.
type Server struct {
	Block   string   `json:"block"`
	Socket  string   `json:"socket"`
	Up      bool     `json:"up"` // it answers
	Clients []Client `json:"clients"`
	Error   string   `json:"error,omitempty"` // why nobody knows
}

// Client is one connected client.
type Client struct {
	Name    string `json:"name"`
	From    string `json:"from"`    // address and port it comes from
	Address string `json:"address"` // in the VPN
	Since   string `json:"since"`   // as OpenVPN writes it
}

func statusPath(runDir string) string { return filepath.Join(runDir, "status.json") }

// ReadStatus returns what the daemon last told, nil where there is nothing.
func ReadStatus(runDir string) (*Status, error) {
	data, err := atomic.ReadFile("/", statusPath(runDir), 256<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var s Status
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the status: %w", err)
	}
	return &s, nil
}

// publish writes status.json and tells the service manager. The file is for
// root alone: it quotes rules and files that others may not be able to read.
func (a *agent) publish() {
	s := &a.status
	s.Ready = a.ready
	s.Next = a.Now().Add(a.pause()).Truncate(time.Second)
	s.Fights = a.contentions()
	s.MetricsError = a.figures.failed
	data, err := json.Marshal(s)
	if err == nil {
		err = a.instance.Renew()
	}
	if err == nil {
		err = atomic.Write("/", atomic.File{Path: statusPath(a.RunDir), Data: append(data, '\n'), Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid()})
	}
	if err != nil {
		a.Log.Warn("the status can't be written", "error", err)
	}
	a.figures.update(s)
	if !s.Stopped {
		a.Tell("STATUS=" + s.Summary())
	}
}

// Summary says in one line how things stand.
func (s *Status) Summary() string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch {
	case s.Stopped:
		return "The daemon has ended."
	case s.Mode == "" && s.Configuration.Valid && !s.Ready:
		add("starting")
	case s.Mode == "":
		add("nothing is in force")
	case len(s.Drift)+len(s.Pending) > 0:
		add("%d drifted, %d pending", len(s.Drift), len(s.Pending))
	case len(s.Unknown)+len(s.Failing) == 0 && s.Error == "":
		add("the host is as the configuration says")
	}
	if n := len(s.Unknown); n > 0 {
		add("%d could not be looked at", n)
	}
	switch n := len(s.Failing); {
	case n == 1:
		add("1 check does not hold")
	case n > 1:
		add("%d checks do not hold", n)
	}
	if s.Mode == "observe" {
		add("only observing")
	}
	if !s.Configuration.Valid {
		add("the configuration in the files is invalid")
	}
	if s.Configuration.Changed {
		add("the files have changed since")
	}
	if len(s.Shut) > 0 {
		add("the filter rules are missing, so nothing is forwarded")
	}
	if u := s.Unconfirmed; u != nil && !u.Overdue {
		add("an apply waits for confirmation until %s", u.Until.Local().Format(time.TimeOnly))
	}
	if s.Error != "" {
		add("the last look failed")
	}
	if s.Waiting != "" {
		add("waiting for %s", s.Waiting)
	}
	if len(s.Fights) > 0 {
		add("%d contended", len(s.Fights))
	}
	if s.Hold != nil && s.Hold.All {
		add("all held but what guards the host")
	} else if s.Hold != nil {
		add("%d held since vpnd %s", len(s.Hold.IDs), s.Hold.Command)
	}
	line := strings.Join(parts, "; ")
	return strings.ToUpper(line[:1]) + line[1:] + "."
}
