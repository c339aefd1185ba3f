// Package metrics writes figures in the text format of Prometheus and answers
// those who scrape them.
//
// Both are by hand: the usual library and net/http would make the binary larger
// by a fifth, for a format of three kinds of lines.
// See https://prometheus.io/docs/instrumenting/exposition_formats/.
package metrics

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ContentType is the type of what Text returns.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

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

var (
	escapeHelp  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	escapeLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// Text returns the families in the text format; those without samples are left
// out.
func Text(families []Family) []byte {
	var b bytes.Buffer
	for _, f := range families {
		if len(f.Samples) == 0 {
			continue
		}
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", f.Name, escapeHelp.Replace(f.Help), f.Name, f.Type)
		for _, s := range f.Samples {
			b.WriteString(f.Name)
			writeLabels(&b, s.Labels)
			b.WriteString(" " + number(s.Value) + "\n")
		}
	}
	return b.Bytes()
}

func writeLabels(b *bytes.Buffer, labels []string) {
	var words []string
	for i := 0; i+1 < len(labels); i += 2 {
		words = append(words, labels[i]+`="`+escapeLabel.Replace(strings.ToValidUTF8(labels[i+1], "\uFFFD"))+`"`)
	}
	if len(words) > 0 {
		b.WriteString("{" + strings.Join(words, ",") + "}")
	}
}

// number writes a value as Prometheus reads it.
func number(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
