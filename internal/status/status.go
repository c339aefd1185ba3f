// Package status is what vpnd status tells of the agent and its host: the types of
// status.json, which the agent writes after each pass and commands read, and what
// a plan says of a host where no agent runs. It is output. Nobody reads it to
// decide what is to be done.
package status

import (
	"time"

	"vpnd/internal/resource"
)

// FormatVersion is the version of status.json and of events. The first number
// grows when something is taken away or changes its meaning.
const FormatVersion = "2.0"

// Status is what the agent tells of itself and the host, in status.json. Its parts
// stand side by side there.
type Status struct {
	Agent
	Configuration Configuration `json:"configuration"`
	Reconciling
	Host
	VPNs
	Watched []string  `json:"checks,omitempty"` // the checks of the configuration
	Failing []Failing `json:"failing_checks,omitempty"`
}

// Agent is the process that tells.
type Agent struct {
	FormatVersion string    `json:"format_version"`
	Version       string    `json:"version"`
	PID           int       `json:"pid"`
	Since         time.Time `json:"since"`
	Mode          string    `json:"mode"` // enforce, observe; empty where nothing is in force
	Ready         bool      `json:"ready"`
	Stopped       bool      `json:"stopped,omitempty"`
	Booting       bool      `json:"booting,omitempty"`
	MetricsError  string    `json:"metrics_error,omitempty"` // why nobody can be told metrics
}

// Reconciling is what became of the last passes.
type Reconciling struct {
	Reconcile *Pass     `json:"reconcile,omitempty"`
	Next      time.Time `json:"next,omitzero"`
	Waiting   string    `json:"waiting,omitempty"` // for whom repairs wait
	Error     string    `json:"error,omitempty"`   // why the last pass came to nothing
	Apply     *Apply    `json:"apply,omitempty"`
}

// Host is how the host differs from the configuration in force, and why that is
// left so.
type Host struct {
	Drift       []Drift       `json:"drift"`             // what is wrong now
	Pending     []Pending     `json:"pending,omitempty"` // what the configuration asks for and is not done
	Unknown     []Unknown     `json:"unknown,omitempty"` // what could not be observed
	Recent      []Drift       `json:"recent,omitempty"`  // what was repaired last, the newest first
	Flapping    []Flap        `json:"flapping,omitempty"`
	Suppressed  *Suppression  `json:"suppressed,omitempty"`
	Unconfirmed *Unconfirmed  `json:"unconfirmed,omitempty"`
	FailClosed  []resource.ID `json:"fail_closed,omitempty"` // forwarding, off until the filter rules stand
	Notes       []string      `json:"notes,omitempty"`
}

// VPNs is how the VPNs of the host are.
type VPNs struct {
	Certificates      []Expiry `json:"certificates,omitempty"`        // those that run out first
	CertificatesInAll int      `json:"certificates_in_all,omitempty"` // listed or not
	CRLs              []Expiry `json:"crls,omitempty"`
	Tunnels           []Tunnel `json:"tunnels,omitempty"`
	Servers           []Server `json:"openvpn_servers,omitempty"`
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

// Pass is the last time that the agent compared the host with the configuration.
type Pass struct {
	Time    time.Time `json:"time"`
	Seconds float64   `json:"seconds"`
	Noticed string    `json:"noticed"` // start, timer, event or reload
}

// Apply is the last time that the daemon changed the host.
type Apply struct {
	Time    time.Time `json:"time"`
	Seconds float64   `json:"seconds"`
	Changed int       `json:"changed"`
	Failed  int       `json:"failed"`
	Error   string    `json:"error,omitempty"`
}

// Failing is a check of the configuration that does not hold.
type Failing struct {
	Check string    `json:"check"`
	Since time.Time `json:"since"`
	Error string    `json:"error"`
}
