package kernel

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"

	"golang.org/x/sys/unix"

	"vpnd/internal/kind/chain/syntax"
)

// An extension as it stands in an entry: struct xt_entry_match and
// xt_entry_target of linux/netfilter/x_tables.h.
const (
	extensionHead = 32 // its size, name and revision
	errorTarget   = "ERROR"
)

// entries goes through the rules of a table, with the two offsets of each taken
// apart: where its target stands, and where the next entry does.
func (l layout) entries(table []byte) func(yield func(entry []byte, target int) bool) {
	return func(yield func(entry []byte, target int) bool) {
		for len(table) >= l.head {
			size := int(binary.NativeEndian.Uint16(table[l.next:]))
			target := int(binary.NativeEndian.Uint16(table[l.next-2:]))
			if size < l.head || size > len(table) || target < l.head || target+extensionHead > size {
				return
			}
			if !yield(table[:size], target) {
				return
			}
			table = table[size:]
		}
	}
}

// imprints returns those of the rules of vpnd's own chains. A chain begins with
// an entry whose target is an error that holds its name, and ends with one that
// returns, which is none of its rules.
func (l layout) imprints(table []byte) map[string][]Imprint {
	found := make(map[string][]Imprint)
	chain := ""
	for entry, target := range l.entries(table) {
		if begun, ok := chainOf(entry, target); ok {
			chain = begun
		} else if syntax.Own(chain) {
			found[chain] = append(found[chain], l.imprint(entry, target))
		}
	}
	for chain, prints := range found {
		found[chain] = prints[:len(prints)-1]
	}
	return found
}

// chainOf returns the chain that an entry begins, if it does.
func chainOf(entry []byte, target int) (string, bool) {
	begins := unix.ByteSliceToString(entry[target+2:target+extensionHead-1]) == errorTarget
	return unix.ByteSliceToString(entry[target+extensionHead:]), begins
}

func (l layout) imprint(entry []byte, target int) Imprint {
	h := sha256.New()
	h.Write(entry[:l.next-6]) // but for nfcache, which nobody reads
	for rest := entry[l.head:target]; len(rest) >= extensionHead; {
		size := int(binary.NativeEndian.Uint16(rest))
		if size < extensionHead || size > len(rest) {
			break
		}
		hashEntryExtension(h, rest[:size])
		rest = rest[size:]
	}
	hashEntryExtension(h, entry[target:])
	return newImprint(h)
}

func hashEntryExtension(h hash.Hash, extension []byte) {
	name := unix.ByteSliceToString(extension[2 : extensionHead-1])
	info := extension[extensionHead:]
	if name == "" && len(info) >= 4 && int32(binary.NativeEndian.Uint32(info)) >= 0 {
		info = nil // the verdict is a chain, by its place in the table
	}
	fmt.Fprintln(h, name, extension[extensionHead-1])
	h.Write(withoutSets(name, info))
}
