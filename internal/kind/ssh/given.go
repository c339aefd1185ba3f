package ssh

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/crypto/ssh"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// Given is what is wrong with a private key that no block makes; nil where a tunnel
// can use it. ssh has it from systemd, and so no look at the file of its own.
func Given(file string, plan resource.Prospect) *resource.Mistake {
	data, err := atomic.ReadFile("/", file, 64<<10)
	if errors.Is(err, fs.ErrNotExist) {
		m := resource.Mistake{Summary: fmt.Sprintf("there is no %s", file), Hint: "bring the key there, or leave key_file out, which makes one"}
		return plan.Lacking(m, resource.ID{Kind: resource.Path, Name: file})
	}
	if err != nil {
		return &resource.Mistake{Summary: err.Error(), Hint: "name a file with the private key"}
	}
	var locked *ssh.PassphraseMissingError
	_, err = ssh.ParseRawPrivateKey(data)
	switch {
	case errors.As(err, &locked):
		return &resource.Mistake{Summary: fmt.Sprintf("the key in %s has a passphrase, which nobody is there to type", file), Hint: "take it off with: ssh-keygen -p -f " + file + ", or leave key_file out, which makes a key"}
	case err != nil: // whatever it says could quote the key
		return &resource.Mistake{Summary: fmt.Sprintf("%s holds no private key that ssh reads", file), Hint: "see what ssh-keygen -y -f " + file + " says; the public half is no use here"}
	}
	return nil
}
