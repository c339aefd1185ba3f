package auth

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"vpnd/internal/resource"
)

var (
	// isService is a file name that PAM takes for a service as it stands.
	isService = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,63}$`)
	// isPrompt is a word that the plugin compares with the beginning of a prompt.
	isPrompt = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	// isArgument is what neither OpenVPN nor a shell takes for more than one word.
	isArgument = regexp.MustCompile(`^[A-Za-z0-9_./:@+,=%-]+$`)
	// isPath is one that PAM takes for one argument, and its module for one path.
	isPath    = regexp.MustCompile(`^/[A-Za-z0-9_./-]+$`)
	isPackage = regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]*$`)
)

// hidden are directories that the unit of OpenVPN does not see: ProtectHome and
// PrivateTmp, systemd.exec(5).
var hidden = []string{"/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"}

type check struct{ found []resource.Mistake }

func (c *check) add(path, summary, hint string) {
	c.found = append(c.found, resource.Mistake{Path: join(path), Summary: summary, Hint: hint})
}

func (c *check) warn(path, summary, hint string) {
	c.found = append(c.found, resource.Mistake{Path: join(path), Summary: summary, Hint: hint, Warning: true})
}

func join(path string) string {
	if path == "" {
		return "auth"
	}
	return "auth." + path
}

func (c *check) oneOf(path, got string, words ...string) {
	if !slices.Contains(words, got) {
		c.add(path, fmt.Sprintf("%q is none of its words", got), "use one of "+strings.Join(words, ", "))
	}
}

// Validate returns what is wrong with the block; the vault is where seeds are.
func (a *Auth) Validate(vault string) []resource.Mistake {
	if a == nil {
		return nil
	}
	c := new(check)
	a.checkWay(c)
	a.checkPAM(c)
	a.checkCommand(c)
	a.checkTOTP(c, vault)
	a.checkToken(c)
	a.checkWho(c)
	return c.found
}

// checkWay wants one who is asked.
func (a *Auth) checkWay(c *check) {
	switch {
	case !a.usesPAM() && len(a.Command) == 0:
		c.add("", "nobody is named who knows passwords", "write pam {}, totp {} or command = [\"/usr/local/sbin/check\"] into it")
	case a.usesPAM() && len(a.Command) > 0:
		c.add("command", "PAM is asked already, and both would have to say yes to one password", "leave one of them out; PAM can run a program itself, by pam_exec(8)")
	}
	if a.Challenge != nil {
		if len(*a.Challenge) == 0 || len(*a.Challenge) > 100 || strings.ContainsFunc(*a.Challenge, unicode.IsControl) {
			c.add("challenge", fmt.Sprintf("%q can't be asked", *a.Challenge), "write it on one line, with at most 100 bytes")
		}
		if a.PAM == nil && a.TOTP != nil {
			c.add("challenge", "the code takes the place of the password, and nothing else is asked", "leave it out, or write pam {}")
		}
	}
}

func (a *Auth) checkPAM(c *check) {
	if a.PAM == nil {
		return
	}
	if s := a.PAM.Service; s != nil {
		if !isService.MatchString(*s) {
			c.add("pam.service", fmt.Sprintf("%q can be no service of PAM", *s), "name a file of /etc/pam.d, in small letters, as in \"openvpn\"")
		}
		if a.PAM.Include != nil {
			c.add("pam.include", "the service is one that is there already, and vpnd writes none", "leave one of the two out")
		}
		if a.TOTP != nil {
			c.add("totp", "the service is one that is there already, and vpnd adds nothing to it", "leave pam { service } out, or have that service ask for a code, which is answered with answers = { \"Verification\" = \"otp\", \"Password\" = \"password\" }")
		}
	} else if a.PAM.Answers != nil {
		c.add("pam.answers", "vpnd knows what the service asks that it makes itself", "leave it out, or name a service")
	}
	if i := a.PAM.Include; i != nil && !isService.MatchString(*i) {
		c.add("pam.include", fmt.Sprintf("%q can be no file of PAM", *i), "name a file of /etc/pam.d, as in \"common-auth\" or \"password-auth\"")
	}
	if p := a.PAM.Plugin; p != nil && (!isArgument.MatchString(*p) || strings.Contains(*p, "/") && !clean(*p)) {
		c.add("pam.plugin", fmt.Sprintf("%q is neither a file name nor an absolute path", *p), "leave it out, or write it as in \"/usr/lib64/openvpn/plugins/openvpn-plugin-auth-pam.so\"")
	}
	a.checkAnswers(c)
}

func (a *Auth) checkAnswers(c *check) {
	for word, answer := range a.PAM.Answers {
		at := "pam.answers"
		switch {
		case !isPrompt.MatchString(word):
			c.add(at, fmt.Sprintf("%q can't begin a prompt", word), "write its first word, of letters, digits and dashes, as in Password")
		case strings.EqualFold(word, "login"):
			c.add(at, "login asks for the name, which is answered already", "leave it out; the attribute username decides what with")
		case placeholders[answer] == "":
			c.add(at, fmt.Sprintf("%q is no answer", answer), "use one of password, otp, common_name, username")
		case answer == "username" && a.Tied():
			c.add(at, "the name that is typed need not be that of the certificate", "answer common_name")
		}
	}
}

// clean says whether a path is absolute and leads where it seems to.
func clean(p string) bool { return path.IsAbs(p) && path.Clean(p) == p }

func (a *Auth) checkCommand(c *check) {
	if a.Command == nil {
		return
	}
	if len(a.Command) == 0 || !clean(a.Command[0]) {
		c.add("command", "it has no absolute path", "write it from the root, as in [\"/usr/local/sbin/check-password\"]")
		return
	}
	for i, word := range a.Command {
		if !isArgument.MatchString(word) {
			c.add(fmt.Sprintf("command[%d]", i), fmt.Sprintf("%q could be taken for more than one word", word), "write a script that calls it so, and name that")
		}
	}
	for _, dir := range hidden {
		if strings.HasPrefix(a.Command[0], dir) {
			c.add("command", fmt.Sprintf("the unit of OpenVPN sees nothing below %s", strings.TrimSuffix(dir, "/")), "put it where programs of the host are, as in /usr/local/sbin")
		}
	}
}

func (a *Auth) checkTOTP(c *check, vault string) {
	if a.TOTP == nil {
		return
	}
	if i := a.TOTP.Issuer; i != nil && (len(*i) == 0 || len(*i) > 64 || strings.ContainsFunc(*i, unicode.IsControl) || strings.Contains(*i, ":")) {
		c.add("totp.issuer", fmt.Sprintf("%q can't be shown by an app", *i), "write a name without a colon, of at most 64 bytes")
	}
	if p := a.TOTP.Package; p != nil && *p != "" && !isPackage.MatchString(*p) {
		c.add("totp.package", fmt.Sprintf("%q can be no package", *p), "write it as in \"libpam-google-authenticator\", or empty")
	}
	if vault != "" && !isPath.MatchString(vault) {
		c.add("totp", fmt.Sprintf("seeds would be below %s, which PAM can't be told as one word", vault), "give the pki block a directory of letters, digits, dots, dashes and slashes")
	}
	if !a.Tied() || !a.Certified() {
		c.add("totp", "whose code it has to be is told by the certificate", "leave username and certificate out")
	}
}

func (a *Auth) checkToken(c *check) {
	t := resource.Or(a.Token, Token{})
	lifetime := resource.Or(t.Lifetime, 12*hour)
	if lifetime.Seconds() < 60 {
		c.add("token.lifetime", fmt.Sprintf("a token that is good for %s is asked for again at once", lifetime), "use at least \"1h\", or leave token out")
	}
	if t.Idle != nil && (t.Idle.Seconds() < 60 || t.Idle.Seconds() > lifetime.Seconds()) {
		c.add("token.idle", fmt.Sprintf("%s is no part of the lifetime of %s", *t.Idle, lifetime), "use a minute at least and the lifetime at most, or leave it out")
	}
}

// checkWho warns of what lets people in as somebody else, or without a certificate.
func (a *Auth) checkWho(c *check) {
	username, certificate := resource.Or(a.Username, "common_name"), resource.Or(a.Certificate, "required")
	c.oneOf("username", username, "common_name", "any")
	c.oneOf("certificate", certificate, "required", "optional", "none")
	switch {
	case certificate == "required" && username == "any":
		c.warn("username", "whoever has one certificate and one password comes in, also where these are of two people", "leave it out, so that both have to be of one")
	case certificate != "required" && certificate != "optional" && certificate != "none":
	case certificate != "required" && username == "common_name":
		c.add("certificate", "without a certificate there is no name that a password could be compared with", `write username = "any" too, or leave it out`)
	case certificate != "required":
		c.warn("certificate", "a password is all that it takes to come in: certificates that are revoked don't matter to who shows none, and what holds for a client goes by the name that is typed", "leave it out, so that a certificate is needed besides")
	}
}
