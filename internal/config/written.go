package config

import (
	"path"

	"vpnd/internal/config/settings"
	"vpnd/internal/resource"
)

// checkWritten reports files that a program writes as root where others could
// have it write elsewhere, and those that are something else's.
func (l *loader) checkWritten(s settings.Settings, wishes map[string]*wish) {
	var taken []claim
	for _, b := range l.order {
		writer, ok := b.shape.(resource.Writer)
		if !ok || b.failed {
			continue
		}
		for _, c := range writer.Writes() {
			mine := claim{Claim: c, block: b, at: b.at.find(c.Path, b.rng)}
			mine.Value = path.Clean(c.Value)
			l.checkPlace(s, mine, wishes[mine.Value])
			for _, other := range taken {
				if other.Value == mine.Value {
					l.errorAt(mine.at, "Conflict between two attributes", "%s of %s and %s of %s (%s) are both written to %s. Give one of them another file.",
						mine.Path, mine.block.id, other.Path, other.block.id, where(other.at), mine.Value)
				}
			}
			taken = append(taken, mine)
		}
	}
}

// checkPlace reports what is wrong with the place of one file.
func (l *loader) checkPlace(s settings.Settings, mine claim, managed *wish) {
	if managed != nil {
		l.errorAt(mine.at, "Conflict between two blocks", "%s of %s would be written over %s, which %s (%s) asks for. Give it another file.",
			mine.Path, mine.block.id, managed.ID, managed.blocks[0].id, where(managed.blocks[0].rng))
		return
	}
	if l.src.Own != nil {
		if own := l.src.Own(s, mine.Value); own != "" {
			l.errorAt(mine.at, "A path of vpnd's own", "%s would be written in the place of %s. Give it another file.", mine.Path, own)
			return
		}
	}
	if l.src.Place == nil {
		return
	}
	if err := l.src.Place(mine.Value); err != nil {
		l.errorAt(mine.at, "Others could have this written elsewhere", "%s", sentence(err))
	}
}
