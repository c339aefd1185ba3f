package engine

// handOver finds what comes to a path where something of another kind leaves. The
// two are one file to the host, so the one that comes begins where the one that
// leaves has ended, and not with what is seen while that still stands.
func handOver(items []*item) {
	leaving := make(map[string]*item)
	for _, it := range items {
		if it.leave && it.kind.Path {
			leaving[it.ID.Name] = it
		}
	}
	for _, it := range items {
		if !it.leave && it.kind.Path {
			it.before = leaving[it.ID.Name]
		}
	}
}

// inherit takes what was seen for gone where the one before takes it away, or
// puts back what stood there before vpnd. In the latter case, why it could not be
// looked at still holds.
func (it *item) inherit() {
	if it.before == nil || !it.before.changes {
		return
	}
	it.got = nil
	if it.before.Want == nil {
		it.err = nil
	}
}

// restores says whether what stood there before vpnd is back when it is the
// item's turn.
func (it *item) restores() bool {
	return it.before != nil && it.before.changes && it.before.Want != nil
}
