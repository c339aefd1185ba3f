package system

import (
	"fmt"
	"time"
)

// ending has the CA, the server's certificate and the revocation list come to their end
// in so many seconds, as though the clock were that far: with the keys that there are.
// It prints when that is.
const ending = `set -e
cd /var/lib/vpnd/pki/office
d=$(mktemp -d); touch $d/index.txt; echo 77 > $d/serial; echo 99 > $d/crlnumber
cat > $d/c <<C
[ca]
default_ca=d
[d]
database=$d/index.txt
serial=$d/serial
crlnumber=$d/crlnumber
new_certs_dir=$d
default_md=sha256
policy=p
[p]
commonName=supplied
[srv]
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
[v3]
basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
[req]
distinguished_name=n
[n]
C
end=$(($(date +%s) + $1)) from=$(date -u -d '-1 hour' +%y%m%d%H%M%SZ) to=$(date -u -d @$end +%y%m%d%H%M%SZ)
cn=$(openssl x509 -in ca.crt -noout -subject -nameopt RFC2253 | sed 's/subject=CN=//')
exec 3>&1 >/dev/null 2>&1
openssl req -new -config $d/c -key keys/server.key -subj /CN=server -out $d/s.csr
openssl req -new -config $d/c -key ca.key -subj "/CN=$cn" -out $d/ca.csr
openssl ca -batch -config $d/c -cert ca.crt -keyfile ca.key -in $d/s.csr -extensions srv -notext -startdate $from -enddate $to -out $d/server.crt
openssl ca -gencrl -config $d/c -cert ca.crt -keyfile ca.key -crlsec $1 -out $d/crl.pem
openssl ca -batch -selfsign -config $d/c -keyfile ca.key -in $d/ca.csr -extensions v3 -notext -startdate $from -enddate $to -out $d/ca.crt
cp $d/ca.crt ca.crt; cp $d/server.crt certs/server.crt; cp $d/crl.pem crl.pem
rm -r $d
echo $end >&3
`

// isFresh is true where all three are good for a day at least, and so is what the server
// reads.
const isFresh = `cd /var/lib/vpnd/pki/office
for c in ca.crt certs/server.crt /etc/openvpn/server/office/server.crt; do openssl x509 -checkend 86400 -noout -in $c || exit 1; done
test $(date -d "$(openssl crl -in crl.pem -noout -nextupdate | cut -d= -f2)" +%s) -gt $(($(date +%s) + 86400)) || exit 1
cmp crl.pem /etc/openvpn/server/office/crl.pem && openssl verify -crl_check -x509_strict -CAfile ca.crt -CRLfile crl.pem certs/server.crt`

// outlives has all that lets somebody in be near its end. The agent makes it anew before,
// nobody is refused after it with the profile that they have, and who shall have a new
// one is told.
func (s scene) outlives(p person) {
	s.t.Helper()
	p.dials("10.8.0.")
	s.run("systemctl", "stop", "vpnd")
	s.ok(s.Gateway.WriteFile(s.t.Context(), "/root/ending.sh", []byte(ending), 0o700))
	end := s.sh("sh /root/ending.sh 60; rm /root/ending.sh")
	s.names(s.vpnd(0, "plan"), "due for renewal")
	s.run("systemctl", "start", "vpnd")
	s.within(2*time.Minute, "all is made anew", isFresh)
	s.sh("test $(date +%s) -lt " + end) // in time
	s.sh(fmt.Sprintf("while test $(date +%%s) -le %s; do sleep 0.5; done", end))
	p.reaches("10.8.0.1")
	p.dials("10.8.0.")
	p.reaches("10.8.0.1")
	s.names(s.sh("vpnd status; true"), "Needs a new profile: ", "bob")
	s.names(s.run("vpnd", "client", "list"), "replace")
}
