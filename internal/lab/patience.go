package lab

import (
	"os"
	"strconv"
	"time"
)

// PatienceVariable is the environment variable that says how many times as long
// as usual a lab waits for its hosts. A processor that is emulated is some ten
// times slower than a real one.
const PatienceVariable = "VPND_LAB_PATIENCE"

// patient is how long to wait for what takes d at most on a real processor.
func patient(d time.Duration) time.Duration {
	if times, err := strconv.Atoi(os.Getenv(PatienceVariable)); err == nil && times > 1 {
		return d * time.Duration(times)
	}
	return d
}
