// Package auth is what an OpenVPN server asks people for besides their certificate:
// a password, by PAM or a program, and a code of an app. It renders the directives of
// server and profiles, and lists what they need.
package auth

import "vpnd/internal/resource"

// Auth is the block. Whom the certificate names is who the password has to be of,
// unless username says otherwise.
type Auth struct {
	PAM         *PAM     `vpnd:"pam,block" doc:"ask PAM of this host, which may know accounts of the host or those of a directory"`
	Command     []string `vpnd:"command" doc:"ask a program: it is given the path of a file with the name in the first line and the password in the second, and says yes with status 0. OpenVPN runs it as its user, with what clients send in the environment, and does not wait for it (auth-user-pass-verify, deferred)"`
	TOTP        *TOTP    `vpnd:"totp,block" doc:"ask for the code of an app besides, or, without pam, for that alone"`
	Token       *Token   `vpnd:"token,block" doc:"what takes the place of password and code once they were given, so that nobody is asked each hour; left out, there is one where a code is asked for. It stays good where a password changes, or an account is locked, in between: vpnd client totp --new ends those of one person, and so does vpnd client revoke"`
	Challenge   *string  `vpnd:"challenge" doc:"what profiles ask for besides name and password; left out, the code where totp or an answer of pam needs one"`
	Username    *string  `vpnd:"username" doc:"whose password it has to be: common_name, the one whom the certificate names; any, whoever is typed" default:"common_name"`
	Certificate *string  `vpnd:"certificate" doc:"required; optional or none let people in by their password alone" default:"required"`
}

// PAM is how PAM is asked.
type PAM struct {
	Service *string           `vpnd:"service" doc:"a service of PAM that is there already, below /etc/pam.d; left out, vpnd makes one"`
	Include *string           `vpnd:"include" doc:"what the service that vpnd makes takes passwords by, below /etc/pam.d; password-auth on Fedora and its kin" default:"common-auth"`
	Answers map[string]string `vpnd:"answers" doc:"what is answered to prompts of PAM that begin with a word: password, otp, common_name or username; left out, what the service that vpnd makes asks for"`
	Plugin  *string           `vpnd:"plugin" doc:"the plugin of OpenVPN; a name without a path is looked for where OpenVPN has its own" default:"openvpn-plugin-auth-pam.so"`
}

// TOTP is a code of an app on a phone, RFC 6238. The seed of each person is made by
// vpnd and shown by vpnd client totp.
type TOTP struct {
	Issuer  *string `vpnd:"issuer" doc:"whom the app says that the code is for; left out, the name of the server"`
	Package *string `vpnd:"package" doc:"the package of PAM's module google-authenticator, installed where the server's own is; google-authenticator on Fedora and its kin, empty for none" default:"libpam-google-authenticator"`
}

// Token is a token of OpenVPN's auth-gen-token.
type Token struct {
	Lifetime *resource.Duration `vpnd:"lifetime" doc:"how long after password and code it is good, and so how late it may be noticed that a password has changed, or an account was locked" default:"12h"`
	Idle     *resource.Duration `vpnd:"idle" doc:"how long a client may be away before it is good no more; left out, as long as the lifetime"`
}
