package chain

import (
	"os"
	"sync"
)

// Tools remembers the programs of iptables that were found and asked, which
// costs a process each. A package that was replaced and alternatives that were
// switched show in the file that is run, so such a program is asked again. The
// zero value is ready; it may be used from several goroutines.
type Tools struct {
	mu    sync.Mutex
	found map[string]finding // by path
}

// A finding is a tool and the file that its path led to.
type finding struct {
	tool tool
	file os.FileInfo
}

// recall returns what was found at path if it is still there, or else finds it.
func (m *Tools) recall(path string, find func() (tool, error)) (tool, error) {
	if m == nil {
		return find()
	}
	file, err := os.Stat(path)
	if err != nil {
		return find()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f, ok := m.found[path]; ok && same(f.file, file) {
		return f.tool, nil
	}
	t, err := find()
	if err != nil {
		return tool{}, err
	}
	if m.found == nil {
		m.found = make(map[string]finding)
	}
	m.found[path] = finding{tool: t, file: file}
	return t, nil
}

func same(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}
