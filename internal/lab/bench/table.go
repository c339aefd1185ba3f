package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// A figure is a line of the table.
type figure struct {
	what    string
	vpnd    string
	instead string
	goal    string // empty: only told
	met     bool
}

func (b *bench) figure(f figure) { b.figures = append(b.figures, f) }

func (b *bench) remark(format string, args ...any) {
	b.remarks = append(b.remarks, fmt.Sprintf(format, args...))
}

// print writes the table and says whether every goal was met.
func (b *bench) print() bool {
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nWHAT\tVPND\tINSTEAD\tGOAL\t")
	all := true
	for _, f := range b.figures {
		verdict := ""
		if f.goal != "" {
			verdict = map[bool]string{true: "met", false: "MISSED"}[f.met]
			all = all && f.met
		}
		fmt.Fprintln(w, strings.Join([]string{f.what, f.vpnd, f.instead, f.goal, verdict}, "\t"))
	}
	w.Flush()
	fmt.Fprintln(b.out)
	b.busy()
	for _, remark := range b.remarks {
		fmt.Fprintln(b.out, "* "+remark)
	}
	return all
}

// busy warns where others use the machine: goals in milliseconds want a quiet
// one, and what starts many programs suffers most (proc_loadavg(5)).
func (b *bench) busy() {
	text, err := os.ReadFile("/proc/loadavg")
	var load float64
	if _, scan := fmt.Sscan(string(text), &load); err != nil || scan != nil {
		return
	}
	if n := runtime.NumCPU(); load > float64(n) {
		b.remark("The machine is busy with other things as well, load %.1f on %d processors: these times are too long.", load, n)
	}
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond)) }

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func mebibytes(kib int) string { return fmt.Sprintf("%.1f MiB", float64(kib)/1024) }
