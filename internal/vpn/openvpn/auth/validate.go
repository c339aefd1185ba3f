package auth

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/mistakes"
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

type check struct{ mistakes.Check }

// Validate returns what is wrong with the block; the vault is where seeds are.
func (a *Auth) Validate(vault string) []resource.Mistake {
	if a == nil {
		return nil
	}
	c := &check{mistakes.Check{Block: "auth"}}
	a.checkWay(c)
	a.checkPAM(c)
	a.checkCommand(c)
	a.checkTOTP(c, vault)
	a.checkToken(c)
	a.checkWho(c)
	return c.Found
}

// checkWay wants one who is asked.
func (a *Auth) checkWay(c *check) {
	switch {
	case !a.usesPAM() && len(a.Command) == 0:
		c.Add("", "write pam {}, totp {} or command = [\"/usr/local/sbin/check\"] into it", "nobody is named who knows passwords")
	case a.usesPAM() && len(a.Command) > 0:
		c.Add("command", "leave one of them out; PAM can run a program itself, by pam_exec(8)", "PAM is asked already, and both would have to say yes to one password")
	}
	if a.Challenge != nil {
		if len(*a.Challenge) == 0 || len(*a.Challenge) > 100 || mistakes.HasControl(*a.Challenge) {
			c.Add("challenge", "write it on one line, with at most 100 bytes", "%q can't be asked", *a.Challenge)
		}
		if a.PAM == nil && a.TOTP != nil {
			c.Add("challenge", "leave it out, or write pam {}", "the code takes the place of the password, and nothing else is asked")
		}
	}
}

func (a *Auth) checkPAM(c *check) {
	if a.PAM == nil {
		return
	}
	if s := a.PAM.Service; s != nil {
		if !isService.MatchString(*s) {
			c.Add("pam.service", "name a file of /etc/pam.d, in small letters, as in \"openvpn\"", "%q can be no service of PAM", *s)
		}
		if a.PAM.Include != nil {
			c.Add("pam.include", "leave one of the two out", "the service is one that is there already, and vpnd writes none")
		}
		if a.TOTP != nil {
			c.Add("totp", "leave pam { service } out, or have that service ask for a code, which is answered with answers = { \"Verification\" = \"otp\", \"Password\" = \"password\" }", "the service is one that is there already, and vpnd adds nothing to it")
		}
	} else if a.PAM.Answers != nil {
		c.Add("pam.answers", "leave it out, or name a service", "vpnd knows what the service asks that it makes itself")
	}
	if i := a.PAM.Include; i != nil && !isService.MatchString(*i) {
		c.Add("pam.include", "name a file of /etc/pam.d, as in \"common-auth\" or \"password-auth\"", "%q can be no file of PAM", *i)
	}
	if p := a.PAM.Plugin; p != nil && (!isArgument.MatchString(*p) || strings.Contains(*p, "/") && !clean(*p)) {
		c.Add("pam.plugin", "leave it out, or write it as in \"/usr/lib64/openvpn/plugins/openvpn-plugin-auth-pam.so\"", "%q is neither a file name nor an absolute path", *p)
	}
	a.checkAnswers(c)
}

func (a *Auth) checkAnswers(c *check) {
	for word, answer := range a.PAM.Answers {
		at := "pam.answers"
		switch {
		case !isPrompt.MatchString(word):
			c.Add(at, "write its first word, of letters, digits and dashes, as in Password", "%q can't begin a prompt", word)
		case strings.EqualFold(word, "login"):
			c.Add(at, "leave it out; the attribute username decides what with", "login asks for the name, which is answered already")
		case placeholders[answer] == "":
			c.Add(at, "use one of password, otp, common_name, username", "%q is no answer", answer)
		case answer == "username" && a.Tied():
			c.Add(at, "answer common_name", "the name that is typed need not be that of the certificate")
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
		c.Add("command", "write it from the root, as in [\"/usr/local/sbin/check-password\"]", "it has no absolute path")
		return
	}
	for i, word := range a.Command {
		if !isArgument.MatchString(word) {
			c.Add(fmt.Sprintf("command[%d]", i), "write a script that calls it so, and name that", "%q could be taken for more than one word", word)
		}
	}
	for _, dir := range hidden {
		if strings.HasPrefix(a.Command[0], dir) {
			c.Add("command", "put it where programs of the host are, as in /usr/local/sbin", "the unit of OpenVPN sees nothing below %s", strings.TrimSuffix(dir, "/"))
		}
	}
}

func (a *Auth) checkTOTP(c *check, vault string) {
	if a.TOTP == nil {
		return
	}
	if i := a.TOTP.Issuer; i != nil && (len(*i) == 0 || len(*i) > 64 || mistakes.HasControl(*i) || strings.Contains(*i, ":")) {
		c.Add("totp.issuer", "write a name without a colon, of at most 64 bytes", "%q can't be shown by an app", *i)
	}
	if p := a.TOTP.Package; p != nil && *p != "" && !isPackage.MatchString(*p) {
		c.Add("totp.package", "write it as in \"libpam-google-authenticator\", or empty", "%q can be no package", *p)
	}
	if vault != "" && !isPath.MatchString(vault) {
		c.Add("totp", "give the pki block a directory of letters, digits, dots, dashes and slashes", "seeds would be below %s, which PAM can't be told as one word", vault)
	}
	if !a.Tied() || !a.Certified() {
		c.Add("totp", "leave username and certificate out", "whose code it has to be is told by the certificate")
	}
}

func (a *Auth) checkToken(c *check) {
	t := resource.Or(a.Token, Token{})
	lifetime := resource.Or(t.Lifetime, 12*hour)
	if lifetime.Seconds() < 60 {
		c.Add("token.lifetime", "use at least \"1h\", or leave token out", "a token that is good for %s is asked for again at once", lifetime)
	}
	if t.Idle != nil && (t.Idle.Seconds() < 60 || t.Idle.Seconds() > lifetime.Seconds()) {
		c.Add("token.idle", "use a minute at least and the lifetime at most, or leave it out", "%s is no part of the lifetime of %s", *t.Idle, lifetime)
	}
}

// checkWho warns of what lets people in as somebody else, or without a certificate.
func (a *Auth) checkWho(c *check) {
	username, certificate := resource.Or(a.Username, "common_name"), resource.Or(a.Certificate, "required")
	c.OneOf("username", username, "common_name", "any")
	c.OneOf("certificate", certificate, "required", "optional", "none")
	switch {
	case certificate == "required" && username == "any":
		c.Warn("username", "leave it out, so that both have to be of one", "whoever has one certificate and one password comes in, also where these are of two people")
	case certificate != "required" && certificate != "optional" && certificate != "none":
	case certificate != "required" && username == "common_name":
		c.Add("certificate", `write username = "any" too, or leave it out`, "without a certificate there is no name that a password could be compared with")
	case certificate != "required":
		c.Warn("certificate", "leave it out, so that a certificate is needed besides", "a password is all that it takes to come in: certificates that are revoked don't matter to who shows none, and what holds for a client goes by the name that is typed")
	}
}
