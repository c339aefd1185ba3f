// Package state remembers what vpnd did to the host: what it last applied,
// what stood there before, what it still owes, and what undoes each apply.
//
// The directory (0700) holds
//
//	records.jsonl  the log: one line a fact, appended and flushed before it is relied on
//	               (store.go); what of it was read is not read again (again.go)
//	records.sum…   how much of it there is at least, and its checksum (whole.go)
//	wish.json      the configuration in force, and the one before (wish.go)
//	hold.json      what was undone, and an agent does not do again (hold.go)
//	pending.json   the apply that waits for confirmation, which the log knows too (pending.go)
//	reserve        room for its undo on a disk that is full by then (disk.go)
//	snapshots/     what undoes an apply (snapshot.go), and the way back from its
//	               configuration to the one before (return.go)
//	priors/        what stood on the host before vpnd's first touch (prior.go)
//	secrets/       those of wish and snapshots, apart; they go with the last that
//	               needs them (apart.go)
//	key            the key of the digests that stand for secrets (seal.go)
//	history.jsonl  what was applied when (history.go)
//	lock           flock(2) of whoever changes the host (lock.go)
//	….damaged      what was set aside of a file that was damaged
//
// No secret stands anywhere else but in a prior: keyed digests stand for them.
// All is 0600 from the first byte.
//
// Nothing that is lost passes for nothing that there was: the log knows its own
// length and which wish and suppression are the latest (kept.go), and what does not fit is a
// [DamageError]. An agent then goes on with what it knows and takes nothing new;
// vpnd apply sets the damaged file aside and puts another in its place.
package state
