// Package metrics has figures told to Prometheus: by its own client library, as
// text for node_exporter or over HTTP to those who scrape them on this host.
package metrics

import (
	"bytes"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

// A Family is a metric with its samples.
type Family struct {
	Name    string
	Help    string
	Type    string // gauge or counter
	Samples []Sample
}

// A Sample is one value, told from others by its labels: name, value, name,
// value.
type Sample struct {
	Labels []string
	Value  float64
}

// families are a collector: what there is to tell is asked for at each scrape.
type families func() []Family

// Describe sends nothing, for which metrics there are depends on the host.
func (families) Describe(chan<- *prometheus.Desc) {}

// Collect sends every sample; families without any are left out.
func (f families) Collect(to chan<- prometheus.Metric) {
	for _, family := range f() {
		kind := prometheus.GaugeValue
		if family.Type == "counter" {
			kind = prometheus.CounterValue
		}
		for _, s := range family.Samples {
			var names, values []string
			for i := 0; i+1 < len(s.Labels); i += 2 {
				names, values = append(names, s.Labels[i]), append(values, strings.ToValidUTF8(s.Labels[i+1], "\uFFFD"))
			}
			to <- prometheus.MustNewConstMetric(prometheus.NewDesc(family.Name, family.Help, names, nil), kind, s.Value, values...)
		}
	}
}

// registry tells of these families and of nothing else: what the runtime of Go
// does is of no use to who keeps a VPN.
func registry(f families) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(f)
	return r
}

// Text returns the families in the text format of Prometheus; those without
// samples are left out.
func Text(all []Family) ([]byte, error) {
	gathered, err := registry(func() []Family { return all }).Gather()
	var b bytes.Buffer
	for _, family := range gathered {
		if _, err := expfmt.MetricFamilyToText(&b, family); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), err
}
