package metrics

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// contentType is that of version 0.0.4 of the text format of Prometheus, which is
// https://prometheus.io/docs/instrumenting/exposition_formats/. Everybody who scrapes
// reads it.
const contentType = "text/plain; version=0.0.4; charset=utf-8"

// A family is a metric: what it tells, and its samples by their labels.
type family struct {
	kind, help string // gauge or counter
	samples    map[string]float64
}

// families are metrics by name.
type families map[string]family

// add adds a sample, which its labels tell from others: name, value, name, value. The
// first of those that are alike stays, for two of them would be no metrics at all.
func (f families) add(kind, name, help string, value float64, labels ...string) {
	if _, ok := f[name]; !ok {
		f[name] = family{kind, help, make(map[string]float64)}
	}
	samples, key := f[name].samples, braced(labels)
	if _, ok := samples[key]; !ok {
		samples[key] = value
	}
}

// What would end a line or a value of the text format, or is no UTF-8.
var (
	ofHelp  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	ofLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// braced returns labels as the text format writes them, sorted by name.
func braced(labels []string) string {
	pairs := make([]string, 0, len(labels)/2)
	for i := 0; i+1 < len(labels); i += 2 {
		pairs = append(pairs, labels[i]+`="`+ofLabel.Replace(strings.ToValidUTF8(labels[i+1], "\uFFFD"))+`"`)
	}
	if len(pairs) == 0 {
		return ""
	}
	slices.Sort(pairs)
	return "{" + strings.Join(pairs, ",") + "}"
}

// text returns the metrics in the text format, sorted.
func (f families) text() []byte {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(f)) {
		one := f[name]
		b.WriteString("# HELP " + name + " " + ofHelp.Replace(one.help) + "\n# TYPE " + name + " " + one.kind + "\n")
		for _, labels := range slices.Sorted(maps.Keys(one.samples)) {
			b.WriteString(name + labels + " " + strconv.FormatFloat(one.samples[labels], 'g', -1, 64) + "\n")
		}
	}
	return b.Bytes()
}

// A counter only grows while the agent runs: how often, by labels. Many may use it at
// once.
type counter struct {
	name, help string

	mu     sync.Mutex
	counts map[string]float64
}

func newCounter(name, help string) *counter {
	return &counter{name: name, help: help, counts: make(map[string]float64)}
}

// inc counts one more of what has these labels.
func (c *counter) inc(labels ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[braced(labels)]++
}

// addTo adds what was counted, if anything was.
func (c *counter) addTo(f families) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.counts) > 0 {
		f[c.name] = family{"counter", c.help, maps.Clone(c.counts)}
	}
}
