package pki

import (
	"context"
	"errors"
	"fmt"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// CertificateRequest is a request for a certificate, PKCS #10, in a PEM file. Its
// name is the absolute path. It is made with a key of this host for a CA elsewhere,
// or is of somebody else, whose key never comes here, for a CA of this host.
type CertificateRequest struct {
	Key      *string         `vpnd:"key,hint" doc:"path of the private key; left out, somebody else has it, and the request is brought"`
	Usage    *string         `vpnd:"usage,hint" doc:"server, client or ca"`
	Subject  *policy.Subject `vpnd:"subject,block,hint" doc:"the distinguished name that it asks for"`
	DNSNames []string        `vpnd:"dns_names,hint" doc:"subject alternative names that are host names"`

	PathLength *int     `vpnd:"path_length,hint" doc:"of a CA: how many CAs may stand below it" default:"0"`
	Domains    []string `vpnd:"permitted_domains,hint" doc:"of a CA: the only domains of whose host names it may sign certificates"`

	Succeeds *string `vpnd:"succeeds,hint" doc:"of a CA that is to take the place of another one: path of the certificate of that one, which signs until this one can; nothing else rests on it before"`

	Mode    *resource.Mode `vpnd:"mode,meta" doc:"permissions" default:"0644"`
	Owner   *string        `vpnd:"owner,meta" doc:"user that owns the file, by name or number" default:"root"`
	Group   *string        `vpnd:"group,meta" doc:"group that owns the file, by name or number" default:"root"`
	Current *bool          `vpnd:"current,computed" doc:"whether it asks for that, with that key"`
	PEM     *string        `vpnd:"pem,computed" doc:"the request itself"`
}

// bid is what the request asks for.
func (r *CertificateRequest) bid() policy.Bid {
	return policy.Bid{Subject: resource.Or(r.Subject, policy.Subject{}), DNSNames: r.DNSNames, Usage: resource.Or(r.Usage, ""), PathLength: resource.Or(r.PathLength, 0), Domains: r.Domains}
}

// requests are the verbs of requests.
type requests struct {
	derived.Verbs[CertificateRequest]
}

func newRequests(h derived.Host) *requests {
	return &requests{derived.Verbs[CertificateRequest]{Host: h, Nature: derived.Nature[CertificateRequest]{
		Access: func(r *CertificateRequest) derived.Access {
			return derived.Access{Mode: &r.Mode, Owner: &r.Owner, Group: &r.Group}
		},
		Kept: func(r *CertificateRequest) *string { return r.PEM },
		Settle: func(_ *derived.Scene, _ string, r *CertificateRequest) error {
			r.Current = resource.Ptr(true)
			return nil
		},
		Waive:     func(r *CertificateRequest) { r.Current = nil },
		MadeFrom:  func(r *CertificateRequest) []string { return derived.Given(r.Key) },
		SourcesOf: func(_ string, r *CertificateRequest) []string { return derived.Given(r.Key) },
		Read: func(s *derived.Scene, _ string, data []byte, want CertificateRequest) (*CertificateRequest, error) {
			current, err := answers(s, data, want)
			got := want
			got.Current, got.PEM = &current, resource.Ptr(string(data))
			return &got, err
		},
		Build: buildRequest,
	}}}
}

// answers says whether a file holds the request that is wished; of somebody else's key
// only whether readers take it.
func answers(s *derived.Scene, data []byte, want CertificateRequest) (bool, error) {
	r, err := policy.ParseRequest(data)
	if err != nil {
		return false, nil
	}
	if want.Key == nil {
		return policy.Strong(r.PublicKey) == nil, nil
	}
	key, err := keyAt(s, *want.Key)
	if err != nil {
		return false, derived.Missing(err)
	}
	return policy.Asks(r, want.bid(), key.Public()), nil
}

func buildRequest(s *derived.Scene, _ string, _ []byte, want CertificateRequest) (derived.Product, error) {
	if want.Key == nil {
		return derived.Product{}, errors.New("nobody here has its key; " + bringRequest)
	}
	key, err := keyAt(s, *want.Key)
	if err != nil {
		return derived.Product{}, err
	}
	data, err := policy.Request(want.bid(), key, s.Rand)
	return derived.Product{Data: data}, err
}

const bringRequest = "vpnd pki sign --csr FILE NAME takes the request of whoever has it"

// Awaits says that the request of somebody else has to be brought.
func (v *requests) Awaits(_ context.Context, _ string, _, want *CertificateRequest) string {
	if want.Key != nil || want.PEM != nil {
		return ""
	}
	return "a request for it: " + bringRequest
}

// Validate checks what needs no host.
func (r *CertificateRequest) Validate(name string) []resource.Mistake {
	var m derived.Mistakes
	m.Path("", name)
	m.OptionalPath("key", r.Key)
	m.OneOf("usage", r.Usage, policy.UsageServer, policy.UsageClient, policy.UsageCA)
	if r.Subject != nil {
		m = append(m, r.Subject.Validate("subject")...)
	}
	if r.Key != nil && r.Subject == nil {
		m.Add("subject", "a request asks for a name", "add subject { common_name = \"vpn.example.com\" }")
	}
	if bad := policy.CheckHostNames(r.DNSNames); bad != "" {
		m.Add("dns_names", "\""+bad+"\" is no host name", "as in \"vpn.example.com\"")
	}
	if bad := policy.CheckHostNames(r.Domains); bad != "" {
		m.Add("permitted_domains", fmt.Sprintf("%q is no domain", bad), "as in \"example.com\"")
	}
	if n := resource.Or(r.PathLength, 0); n < 0 {
		m.Add("path_length", fmt.Sprintf("%d is no path length", n), "0, or how many CAs may stand below it")
	}
	m.Access(derived.Access{Mode: &r.Mode, Owner: &r.Owner, Group: &r.Group}, false)
	return m
}
