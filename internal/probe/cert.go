package probe

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"time"
)

const (
	maxNames  = 100
	timeLeft  = 21 * 24 * time.Hour
	minRSA    = 2048
	minECBits = 256
)

// examined is a leaf with what a verifier makes of it.
type examined struct {
	leaf   *x509.Certificate
	report *Certificate
	end    time.Time // until when the chain holds
	weak   string    // why its key is weak
}

// examine judges a chain as a stranger with these roots would at a time.
func examine(chain []*x509.Certificate, host string, roots *x509.CertPool, now time.Time) *examined {
	leaf := chain[0]
	sum := sha256.Sum256(leaf.Raw)
	names := append([]string{}, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	c := &Certificate{
		Subject: leaf.Subject.String(), Issuer: leaf.Issuer.String(), Names: names[:min(len(names), maxNames)], NamesTotal: len(names),
		NotBefore: leaf.NotBefore.UTC(), NotAfter: leaf.NotAfter.UTC(), DaysLeft: daysLeft(leaf.NotAfter, now), Signature: leaf.SignatureAlgorithm.String(),
		SelfSigned: selfSigned(leaf), Fingerprint: hex.EncodeToString(sum[:]), Chain: []string{},
	}
	for _, sent := range chain[1:] {
		c.Chain = append(c.Chain, sent.Subject.String())
	}
	e := &examined{leaf: leaf, report: c}
	c.Key, e.weak = keyOf(leaf)
	c.NameMatches = leaf.VerifyHostname(host) == nil
	e.verify(chain, roots, now)
	return e
}

// verify finds a chain to a root. The leaf's own dates are a clause of their own, so a chain is looked for inside of them.
func (e *examined) verify(chain []*x509.Certificate, roots *x509.CertPool, now time.Time) {
	at := now
	if at.After(e.leaf.NotAfter) {
		at = e.leaf.NotAfter
	}
	if at.Before(e.leaf.NotBefore) {
		at = e.leaf.NotBefore
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	found, err := e.leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	if err != nil {
		e.report.Problem = problemOf(err, e.report.SelfSigned)
		return
	}
	e.report.ChainTrusted = true
	for _, one := range found { // of several chains, the one that holds longest
		end := one[0].NotAfter
		for _, c := range one {
			if c.NotAfter.Before(end) {
				end = c.NotAfter
			}
		}
		if end.After(e.end) {
			e.end = end
		}
	}
	switch {
	case now.After(e.leaf.NotAfter):
		e.report.Problem = "it has expired"
	case now.Before(e.leaf.NotBefore):
		e.report.Problem = "it is not valid yet"
	}
}

func problemOf(err error, selfSigned bool) string {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var weak x509.InsecureAlgorithmError
	switch {
	case selfSigned:
		return "it is signed by itself and not among the trusted authorities"
	case errors.As(err, &weak):
		return "its chain is signed with " + x509.SignatureAlgorithm(weak).String()
	case errors.As(err, &unknown):
		return "no trusted authority vouches for it: an unknown issuer, or a certificate in between was not sent"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "a certificate between it and the authority has expired"
	}
	return "it cannot be verified: " + err.Error()
}

func daysLeft(end, now time.Time) int { return int(math.Floor(end.Sub(now).Hours() / 24)) }

// selfSigned reports whether the certificate's own key signed it.
func selfSigned(c *x509.Certificate) bool {
	if string(c.RawSubject) != string(c.RawIssuer) {
		return false
	}
	err := c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
	var weak x509.InsecureAlgorithmError // SHA-1 and MD5 are not computed any more
	return err == nil || errors.As(err, &weak) || errors.Is(err, x509.ErrUnsupportedAlgorithm) || (c.PublicKeyAlgorithm == x509.RSA && rsaBits(c) < 1024)
}

func rsaBits(c *x509.Certificate) int {
	if key, ok := c.PublicKey.(*rsa.PublicKey); ok {
		return key.N.BitLen()
	}
	return 0
}

// keyOf names a key, and says why it is weak.
func keyOf(c *x509.Certificate) (name, weak string) {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		bits := key.N.BitLen()
		name = fmt.Sprintf("RSA-%d", bits)
		if bits < minRSA {
			weak = fmt.Sprintf("the certificate's RSA key has %d bits", bits)
		}
	case *ecdsa.PublicKey:
		bits := key.Curve.Params().BitSize
		name = fmt.Sprintf("EC-%d", bits)
		if bits < minECBits {
			weak = fmt.Sprintf("the certificate's EC key has %d bits", bits)
		}
	case ed25519.PublicKey:
		name = "Ed25519"
	default:
		if c.PublicKeyAlgorithm == x509.DSA {
			return "DSA", "the certificate's key is of the kind DSA"
		}
		name = "unknown"
	}
	return name, weak
}

// signedWeakly reports a signature that can be forged.
func signedWeakly(c *x509.Certificate) string {
	switch c.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA:
		return "MD5"
	case x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return "SHA-1"
	}
	return ""
}

// renewBy is when a certificate has too little time left.
func renewBy(c *x509.Certificate) time.Time {
	return c.NotAfter.Add(-min(timeLeft, c.NotAfter.Sub(c.NotBefore)/3))
}

func parseChain(raw [][]byte) []*x509.Certificate {
	var out []*x509.Certificate
	for _, der := range raw {
		c, err := x509.ParseCertificate(der)
		if err != nil { // what cannot be read cannot be judged, and a chain without it is no chain
			break
		}
		out = append(out, c)
	}
	return out
}
