package ipsec

import (
	"fmt"
	"regexp"
	"strings"

	"vpnd/internal/kind/ipsec/proposal"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/ipsec/credentials"
	"vpnd/internal/vpn/ipsec/walls"
	"vpnd/internal/vpn/mistakes"
)

var (
	isName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	isHost = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)
)

// An attribute is a word of the block, nil where it is left out.
type attribute struct {
	path string
	word *string
}

type check struct{ mistakes.Check }

func (c *check) oneOf(path string, word *string, words ...string) {
	if word != nil {
		c.OneOf(path, *word, words...)
	}
}

// Validate returns everything that is wrong with the block.
func (t *Tunnel) Validate(name string) []resource.Mistake {
	c := &check{}
	if !isName.MatchString(name) || len(name) > walls.MaxName {
		c.Add("", fmt.Sprintf("use letters, digits, dashes and underscores, at most %d of them", walls.MaxName),
			"%q can't be part of the name of a chain", name)
	}
	if t.Local == nil || t.Remote == nil {
		return c.Found // that one of them is missing was told
	}
	t.checkAddresses(c)
	t.checkIDs(c)
	t.checkSecret(c)
	t.checkProposals(c)
	t.checkMode(c)
	t.checkChildren(c)
	t.checkNetworks(c, name)
	t.checkVersion(c)
	t.checkDeath(c)
	t.checkTimes(c)
	return c.Found
}

func (t *Tunnel) checkAddresses(c *check) {
	remote := resource.Or(t.Remote.Address, anybody)
	switch peer := t.peer(); {
	case peer.IsValid():
		if peer.Zone() != "" || peer.IsUnspecified() || peer.IsMulticast() || peer.IsLoopback() {
			c.Add("remote.address", "write the address of the other side", "%s is nobody's address out there", peer)
		}
		if b := t.bound(); b.IsValid() && b.Is4() != peer.Is4() {
			c.Add("local.address", fmt.Sprintf("write an address of the family of %s", peer), "%s is of another family than the peer's", b)
		}
		if t.bound() == peer {
			c.Add("remote.address", "write the address of the other side", "%s is this side's own address", peer)
		}
	case remote != anybody && !isHost.MatchString(remote):
		c.Add("remote.address", "write an address, a name, or %any", "%q is neither an address nor the name of a host", remote)
	}
}

// checkIDs wants ids that mean one thing to strongSwan, and are known where a secret
// is chosen by them.
func (t *Tunnel) checkIDs(c *check) {
	for _, given := range []attribute{{"local.id", t.Local.ID}, {"remote.id", t.Remote.ID}} {
		switch word := resource.Or(given.word, "x"); {
		case strings.TrimSpace(word) == "" || strings.ContainsFunc(word, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(`"\{}#`, r) }):
			c.Add(given.path, "write an address, a name, an e-mail address or a distinguished name, as in \"C=US, O=Acme, CN=gw\"", "%q is no identity that can stand in a configuration of strongSwan", word)
		case word == anybody && given.path == "local.id":
			c.Add(given.path, "write who this side is", "%%any is nobody in particular")
		}
	}
	if t.Certificate != nil {
		return
	}
	const hint = "write it, as the other side knows it: an address, or a name as in gw.example.com"
	if t.answers() && t.Remote.ID == nil {
		c.Add("remote.id", "write it, as the other side has it for itself; %any is anybody who has the secret", "whose the secret is can't be told, since the peer has neither an address nor an id")
	}
	if t.localID() == nil {
		c.Add("local.id", hint, "a pre-shared key is chosen by the ids of both sides, and this side has neither an address nor an id")
	}
}

func (t *Tunnel) checkSecret(c *check) {
	ways := 0
	for _, given := range []bool{t.PSK != nil, t.PSKFile != nil, t.Certificate != nil} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		c.Add("", "give one of psk, psk_file and certificate", "a tunnel proves who it is in one way, and this one has %s", map[int]string{0: "none"}[ways]+map[bool]string{true: "several"}[ways > 1])
	}
	if t.PSK != nil {
		checkPSK(c, t.PSK.Reveal())
	}
	for _, given := range []attribute{{"psk_file", t.PSKFile}, {"ca", t.CA}, {"crl", t.CRL}} {
		c.path(given.path, given.word)
	}
	if t.Certificate == nil {
		for _, given := range []attribute{{"ca", t.CA}, {"crl", t.CRL}} {
			if given.word != nil {
				c.Add(given.path, "leave it out, or give a certificate instead of the secret", "a pre-shared key needs none")
			}
		}
		return
	}
	c.path("certificate", &t.Certificate.Certificate)
	c.path("certificate", &t.Certificate.Key)
	if t.credentials("").Authority() == "" {
		c.Add("ca", "give the path of the CA's certificate", "nothing says whose certificate the other side has to have")
	}
	if t.Remote.ID == nil || *t.Remote.ID == anybody {
		c.Warn("remote.id", "write the id of the other side, a name in its certificate, as in gw.example.com", "everybody with a certificate of the CA may say that it is the other side")
	}
	c.oneOf("revocation", t.Revocation, "relaxed", "ifuri", "strict")
}

// shortPSK is the least length of a secret that is not told to be short: 20 random
// characters are more than any list of words.
const shortPSK = 20

func checkPSK(c *check, psk string) {
	switch psk := oneLine(psk); {
	case strings.TrimSpace(psk) == "":
		c.Add("psk", "make one, as in: openssl rand -base64 32", "the secret is empty")
	case strings.ContainsAny(psk, "\n\r\x00"):
		c.Add("psk", "take the end of the line away, as in trimspace(…)", "the secret holds the end of a line")
	case len(psk) < shortPSK:
		c.Warn("psk", "make a random one on both sides, as in: openssl rand -base64 32", "a secret of less than %d characters can be guessed by whoever records one attempt to connect", shortPSK)
	}
}

func (c *check) path(path string, file *string) {
	if file == nil {
		return
	}
	if !credentials.IsPath(*file) {
		c.Add(path, "write it in full, as in /etc/vpnd/secrets/branch", "%q is no absolute path that can stand in a configuration of strongSwan", *file)
	}
}

func (t *Tunnel) checkProposals(c *check) {
	c.proposals("ike", proposal.IKE, t.IKE)
	c.proposals("esp", proposal.ESP, t.ESP)
	for _, child := range t.Children {
		c.proposals("child."+child.Name+".esp", proposal.ESP, child.ESP)
	}
}

// proposals refuses what strongSwan would leave out, and names loudly what is weak:
// a peer may choose the weakest that is offered.
func (c *check) proposals(path string, use proposal.Use, texts []string) {
	if texts != nil && len(texts) == 0 {
		c.Add(path, "leave it out for the default", "without a proposal there is nothing to agree on")
	}
	for i, text := range texts {
		at := fmt.Sprintf("%s[%d]", path, i)
		p, err := proposal.Parse(use, text)
		if err != nil {
			summary, hint, _ := strings.Cut(err.Error(), "; ")
			c.Add(at, hint, "%q is no proposal of %s: %s", text, use, summary)
			continue
		}
		c.weak(at, p.Weak())
	}
}

// weak tells all that is weak in one proposal at once.
func (c *check) weak(path string, all []proposal.Weakness) {
	var words []string
	hint, broken := "leave it out", false
	for _, w := range all {
		why, instead, _ := strings.Cut(w.Why, "; ")
		words = append(words, w.Word+" "+why)
		if instead != "" && hint == "leave it out" {
			hint = instead
		}
		broken = broken || w.Broken
	}
	switch {
	case broken:
		c.Add(path, hint, "%s", strings.Join(words, "; "))
	case len(words) > 0:
		c.Warn(path, hint+"; keep it only where the peer has nothing else, for a peer takes the weakest it may", "%s", strings.Join(words, "; "))
	}
}
