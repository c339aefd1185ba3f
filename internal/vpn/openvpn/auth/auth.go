package auth

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/script"
)

// A Server is what the block has to know of the server that it stands in.
type Server struct {
	*Auth
	Name      string   // label of the server
	Directory string   // where the server reads
	Vault     string   // where keys are that only root reads
	People    []Person // those who have a certificate
	Install   bool     // packages are installed
}

// A Person has a certificate.
type Person struct{ CommonName, Certificate string }

// Directive is the name of a directive of OpenVPN and its arguments.
type Directive []string

// Tied says whether name and certificate have to be of one person.
func (a *Auth) Tied() bool { return resource.Or(a.Username, "common_name") == "common_name" }

// Certified says whether nobody comes in without a certificate.
func (a *Auth) Certified() bool { return resource.Or(a.Certificate, "required") == "required" }

// Scripts says whether OpenVPN has to be allowed to run programs.
func (a *Auth) Scripts() bool { return a != nil && (a.Tied() || a.usesPAM() || len(a.Command) > 0) }

// doorman is what looks at each client that was let in, before anything is pushed to
// it. PAM answers for the name in the certificate, but a token and a command are for
// the name that is typed.
func (a *Auth) doorman() (program script.Script, needed bool) {
	switch {
	case a.Tied() && a.TOTP != nil:
		return script.SameNameCodes, true
	case a.Tied():
		return script.SameName, true
	case a.TOTP != nil:
		return script.Codes, true
	}
	return script.Stands, a.usesPAM()
}

// token is what takes the place of password and code; a code is good once, so that
// without a token everybody would be asked again each hour.
func (a *Auth) token() *Token {
	if a.Token == nil && a.asksCode() {
		return &Token{}
	}
	return a.Token
}

// asksCode says whether a code is asked for.
func (a *Auth) asksCode() bool {
	return a.TOTP != nil || a.PAM != nil && slices.Contains(slices.Collect(maps.Values(a.PAM.Answers)), otp)
}

// makesService says whether vpnd makes the service of PAM.
func (a *Auth) makesService() bool {
	return a.TOTP != nil || a.PAM != nil && a.PAM.Service == nil
}

// usesPAM says whether PAM is asked.
func (a *Auth) usesPAM() bool { return a.PAM != nil || a.TOTP != nil }

func (a *Auth) pam() PAM { return resource.Or(a.PAM, PAM{}) }

// Takes returns directives that can't stand beside the block, and what says the same.
func (a *Auth) Takes() map[string]string {
	if a == nil {
		return nil
	}
	taken := map[string]string{
		"auth-user-pass-verify": "auth { command }", "auth-user-pass-optional": "auth { certificate }",
		"auth-gen-token": "auth { token }", "auth-gen-token-secret": "auth { token }",
		"verify-client-cert": "auth { certificate }", "username-as-common-name": "auth { username }",
	}
	if a.Scripts() {
		taken["script-security"] = "auth, which sets it"
	}
	if _, needed := a.doorman(); needed {
		taken["client-connect"] = "auth, which looks at each client by it; learn-address tells of them too"
	}
	return taken
}

// Directives are those of the server.
func (s Server) Directives() []Directive {
	if s.Auth == nil {
		return nil
	}
	var all []Directive
	if s.usesPAM() {
		all = append(all,
			Directive{"setenv", "deferred_auth_pam", "1"}, // the server does not wait for PAM
			Directive{"plugin", resource.Or(s.pam().Plugin, defaultPlugin), strings.Join(append([]string{s.service()}, s.answers()...), " ")})
	}
	if len(s.Command) > 0 {
		words := []string{script.CheckPassword.In(s.Directory)}
		all = append(all, Directive{"auth-user-pass-verify", strings.Join(append(words, s.Command...), " "), "via-file"})
	}
	if t := s.token(); t != nil {
		all = append(all, t.directive(), Directive{"auth-gen-token-secret", s.tokenKey()})
	}
	if program, needed := s.doorman(); needed {
		words := []string{program.In(s.Directory)}
		if s.TOTP != nil {
			words = append(words, s.token().lasts())
		}
		if s.usesPAM() {
			words = append(words, services+s.service())
		}
		all = append(all, Directive{"client-connect", strings.Join(words, " ")})
	}
	if !s.Certified() {
		all = append(all, Directive{"verify-client-cert", *s.Certificate}, Directive{"username-as-common-name"})
	}
	return all
}

func (t *Token) directive() Directive {
	d := Directive{"auth-gen-token", t.lasts()}
	if t.Idle != nil {
		d = append(d, seconds(*t.Idle))
	}
	return d
}

// lasts is how long a token is good, in seconds.
func (t *Token) lasts() string { return seconds(resource.Or(t.Lifetime, 12*hour)) }

const hour = resource.Duration(3600e9)

func seconds(d resource.Duration) string { return strconv.FormatInt(d.Seconds(), 10) }

// ProfileDirectives are those of a client.
func (s Server) ProfileDirectives() []Directive {
	if s.Auth == nil {
		return nil
	}
	all := []Directive{{"auth-user-pass"}, {"auth-retry", "interact"}}
	if text := s.challenge(); text != "" {
		all = append(all, Directive{"static-challenge", text, "1"})
	}
	return all
}

// challenge is what profiles ask for besides name and password. A code alone takes
// the place of the password.
func (s Server) challenge() string {
	switch {
	case s.Challenge != nil:
		return *s.Challenge
	case s.asksCode() && s.PAM != nil:
		return "Code of the app"
	}
	return ""
}

// Since is the path of the list of since when seeds of codes take the place of other
// ones; nil where no codes of vpnd are asked for.
func (s Server) Since() *string {
	if s.Auth == nil || s.TOTP == nil {
		return nil
	}
	return resource.Ptr(s.since())
}

// Terms are what profiles have to agree on with the server, in words.
func (s Server) Terms() map[string]string {
	if s.Auth == nil {
		return nil
	}
	asks := "password"
	if s.PAM == nil && s.TOTP != nil {
		asks = "code"
	}
	if text := s.challenge(); text != "" {
		asks += " and " + text
	}
	return map[string]string{"what people are asked": asks}
}

// What prompts of PAM can be answered with, and what the plugin calls it.
const (
	password = "password"
	otp      = "otp"
)

var placeholders = map[string]string{password: "PASSWORD", otp: "OTP", "common_name": "COMMONNAME", "username": "USERNAME"}

// answers are pairs for the plugin: the beginning of a prompt, and what it is answered
// with. PAM asks for the name with "login:" (pam_get_user(3)): it is answered with the
// one in the certificate, whatever was typed. Longer words go first, since the plugin
// takes the first that fits.
func (s Server) answers() []string {
	name := "COMMONNAME"
	if !s.Tied() {
		name = "USERNAME"
	}
	pairs := []string{"login", name}
	given := s.given()
	words := slices.SortedFunc(maps.Keys(given), func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	for _, word := range words {
		pairs = append(pairs, word, placeholders[given[word]])
	}
	return pairs
}

// given are the answers to prompts.
func (s Server) given() map[string]string {
	switch {
	case s.pam().Answers != nil:
		return s.pam().Answers
	case s.PAM == nil:
		return map[string]string{"Verification": password}
	case s.TOTP != nil:
		return map[string]string{"Password": password, "Verification": otp}
	default:
		return map[string]string{"Password": password}
	}
}

// service is the name of PAM's service, which PAM reads in small letters
// (pam_start(3)).
func (s Server) service() string {
	if !s.makesService() {
		return *s.PAM.Service
	}
	return "vpnd-openvpn-" + strings.ToLower(s.Name)
}

const defaultPlugin = "openvpn-plugin-auth-pam.so"

func (s Server) tokenKey() string { return s.Directory + "/auth-token.key" }
func (s Server) since() string    { return s.Directory + "/codes-since" }
func (s Server) seeds() string    { return s.Vault + "/totp" }
