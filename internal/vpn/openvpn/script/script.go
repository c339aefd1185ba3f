// Package script has the programs that an OpenVPN server of vpnd runs when a client
// connects. They are the same on every host: no value of a configuration stands in
// one, and what clients send is data to them.
package script

import "vpnd/internal/kind/file"

// A Script is a program beside the configuration of a server.
type Script struct {
	Name string // of its file
	text string
}

// Stands is for client-connect: the files that are its arguments exist. PAM goes by
// its service "other" where one is lost, which may ask for less.
var Stands = Script{"service-stands", stands}

// SameName is for client-connect too: besides, who comes says to be whom the
// certificate names. It is asked of each connection, also where a token takes the
// place of a password, since a token is good for a name and not for a certificate.
var SameName = Script{"same-name", stands + sameName}

// Codes and SameNameCodes are the same where codes are asked for. The first argument is
// for how many seconds a token is good, which it is for whose seed of codes has not
// taken the place of another one since: with the phone that was lost goes what its codes
// let in. The list of seeds stands beside the program; nobody who is not on it comes in
// by a token.
var (
	Codes         = Script{"codes-stand", codes + stands}
	SameNameCodes = Script{"same-name-and-codes", codes + stands + sameName}
)

const sameName = `[ -n "$common_name" ] && [ "$username" = "$common_name" ]
`

// codes goes by session_state of openvpn(8), auth-gen-token, and by a name as OpenVPN
// checked the token for it.
const codes = `lasts=$1
shift
if [ "$session_state" != Initial ]; then
	now=$(date +%s)
	since=$(grep -F -- "$username " "${0%/*}/codes-since" | while read -r name at; do
		[ "$name" != "$username" ] || echo "$at"
	done)
	[ "$since" -ge 0 ] 2>/dev/null && [ $((now - since)) -gt "$lasts" ] || exit 1
fi
`

const stands = `for file; do
	[ -e "$file" ] || exit 1
done
`

// CheckPassword is for auth-user-pass-verify, by way of a file: it runs the command
// that is its arguments with the path of the file behind them. The server goes on
// meanwhile (deferred, since OpenVPN 2.6); the file is gone by then, and is passed on
// as an open one.
var CheckPassword = Script{"check-password", `for file; do :; done
[ -r "$file" ] || exit 1
exec 3<"$file"
left=$#
for word; do
	shift
	left=$((left - 1))
	[ $left -eq 0 ] || set -- "$@" "$word"
done
[ $# -gt 0 ] || exit 1
if [ -z "$auth_control_file" ]; then
	"$@" /dev/fd/3
	exit
fi
{
	good=0
	"$@" /dev/fd/3 && good=1
	printf %s $good >"$auth_control_file"
} &
exit 2
`}

// KnownKey is for tls-crypt-v2-verify: the key is one of the list beside it. Without
// a list no key is.
var KnownKey = Script{"known-key", `case $metadata_type in
0 | 1) ;;
*) exit 1 ;;
esac
id=$(od -An -v -tx1 "$metadata_file" | tr -d ' \n') && [ -n "$id" ] &&
	exec grep -q "^$metadata_type:$id " "${0%/*}/known-keys"
`}

// In returns the path of the program in the directory of a server.
func (s Script) In(directory string) string { return directory + "/" + s.Name }

// File is the program as a file of root's that all may run.
func (s Script) File() *file.File {
	return file.OfRoot("#!/bin/sh\n# Made by vpnd; edits are undone.\n"+s.text, 0o755)
}
