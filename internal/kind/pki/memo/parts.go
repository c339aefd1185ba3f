package memo

import "encoding/binary"

// Join makes one answer of several texts, each behind its length.
func Join(parts ...string) string {
	size := 0
	for _, part := range parts {
		size += len(part) + binary.MaxVarintLen32
	}
	text := make([]byte, 0, size)
	for _, part := range parts {
		text = append(binary.AppendUvarint(text, uint64(len(part))), part...)
	}
	return string(text)
}

// Split takes apart what Join made; it is false of anything else.
func Split(text string) (parts []string, ok bool) {
	if text == "" {
		return []string{}, true
	}
	parts = make([]string, 0, 18) // of a certificate, of which there are thousands
	for text != "" {
		n, used := uvarint(text)
		if used <= 0 || n > uint64(len(text)-used) {
			return nil, false
		}
		parts, text = append(parts, text[used:used+int(n)]), text[used+int(n):]
	}
	return parts, true
}

// uvarint is [binary.Uvarint] of a text.
func uvarint(text string) (uint64, int) {
	var head [binary.MaxVarintLen64]byte
	return binary.Uvarint(head[:copy(head[:], text)])
}
