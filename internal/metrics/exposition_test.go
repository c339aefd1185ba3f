package metrics

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// What is in a label comes out of Prometheus' own reader as it went in, whatever it is.
func TestExpositionIsReadBack(t *testing.T) {
	names := []string{"", "plain", `a"b`, `a\b`, `a\nb`, "a\nb", `}`, `,b="c"`, "# HELP", " a ", "ü\tä", `\`}
	values := []float64{0, -1, 1.5, 1e-9, 1.7e18, math.Inf(1), math.Inf(-1), math.MaxFloat64, 3, 4, 5, 6}
	f := make(families)
	for i, name := range names {
		f.gauge("vpnd_x", "A line with \\ and\nanother.", values[i], "zone", name, "block", "b")
	}
	f.gauge("vpnd_x", "Another help.", 77, "zone", "plain", "block", "b") // alike: the first stays
	parser := expfmt.NewTextParser(model.UTF8Validation)
	read, err := parser.TextToMetricFamilies(strings.NewReader(string(f.text())))
	if err != nil {
		t.Fatalf("%v in\n%s", err, f.text())
	}
	if got := read["vpnd_x"].GetHelp(); got != "A line with \\ and\nanother." {
		t.Errorf("help: %q", got)
	}
	samples := read["vpnd_x"].GetMetric()
	if len(samples) != len(names) {
		t.Errorf("%d samples in\n%s", len(samples), f.text())
	}
	for _, one := range samples {
		labels := one.GetLabel()
		at := slices.Index(names, labels[len(labels)-1].GetValue())
		if len(labels) != 2 || labels[0].GetName() != "block" || at < 0 || one.GetGauge().GetValue() != values[at] {
			t.Errorf("it is read as %s", one)
		}
	}
}

// Nobody has counted yet: then there is no metric, not even its name.
func TestCounters(t *testing.T) {
	c := newCounter("vpnd_x_total", "X.")
	f := make(families)
	c.addTo(f)
	if len(f) != 0 {
		t.Errorf("%s", f.text())
	}
	c.inc("b", "2", "a", "1")
	c.inc("a", "1", "b", "2")
	c.inc("a", "2", "b", "2")
	c.addTo(f)
	c.inc("a", "2", "b", "2") // does not reach what was told before
	if want := "# HELP vpnd_x_total X.\n# TYPE vpnd_x_total counter\nvpnd_x_total{a=\"1\",b=\"2\"} 2\nvpnd_x_total{a=\"2\",b=\"2\"} 1\n"; string(f.text()) != want {
		t.Errorf("%s", f.text())
	}
}
