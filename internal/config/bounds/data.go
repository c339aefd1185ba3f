package bounds

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// JSON says whether data in JSON goes too deep for what decodes it.
func JSON(text string) error {
	words := json.NewDecoder(strings.NewReader(text))
	for depth := 0; ; {
		word, err := words.Token()
		if err != nil {
			return nil
		}
		if d, ok := word.(json.Delim); ok {
			if depth++; d == ']' || d == '}' {
				depth -= 2
			}
		}
		if depth > deepest {
			return fmt.Errorf("it is nested more than %d deep", deepest)
		}
	}
}

// mostAliases is how often data in YAML may repeat parts of itself: what repeats
// what repeats more doubles with each.
const mostAliases = 20

var isAlias = regexp.MustCompile(`(?m)(^|[\s\[,:{-])\*[\w-]`)

// YAML does the same for YAML, where a dash, a bracket, or a step to the
// right goes one level down. Brackets within words are counted with the others.
func YAML(text string) error {
	if n := len(isAlias.FindAllStringIndex(text, mostAliases+1)); n > mostAliases {
		return fmt.Errorf("it has more than %d aliases", mostAliases)
	}
	flow := 0
	for line := range strings.Lines(text) {
		block := len(line) - len(strings.TrimLeft(line, " -?\t"))
		for _, r := range line {
			switch r {
			case '[', '{':
				flow++
			case ']', '}':
				flow = max(0, flow-1)
			}
			if flow > deepest || block > 2*deepest {
				return fmt.Errorf("it is nested more than %d deep", deepest)
			}
		}
	}
	return nil
}
