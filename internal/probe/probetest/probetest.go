// Package probetest starts the servers that probes are tested against: real TLS stacks on loopback, and scripted peers that behave
// as no stack would.
package probetest

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Loopback dials this machine and nothing else, so that a mistake in a test sends no packet away. Ports can be led elsewhere.
type Loopback struct {
	Ports map[string]string // "80" to the address that shall answer
}

// DialContext dials loopback addresses.
func (l Loopback) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if to, led := l.Ports[port]; led {
		address = to
	} else if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("%s is not on this machine", host)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// Authority signs certificates.
type Authority struct {
	Cert *x509.Certificate
	Key  crypto.Signer
	Pool *x509.CertPool
}

// NewAuthority makes an authority of its own.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	key := ECKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Muster Test Authority"}, NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(5, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	a := &Authority{Key: key, Pool: x509.NewCertPool()}
	a.Cert = sign(t, template, template, key.Public(), key)
	a.Pool.AddCert(a.Cert)
	return a
}

// Leaf is what a certificate shall be. The zero value names localhost and 127.0.0.1, with an EC key, for 90 days, 30 of them gone.
type Leaf struct {
	Key        crypto.Signer
	Names      []string
	IPs        []net.IP
	From, To   time.Time
	SelfSigned bool
	Signature  x509.SignatureAlgorithm
}

// Issue makes a certificate with its key.
func (a *Authority) Issue(t testing.TB, l Leaf) tls.Certificate {
	t.Helper()
	if l.Key == nil {
		l.Key = ECKey(t)
	}
	if l.Names == nil && l.IPs == nil {
		l.Names, l.IPs = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	}
	if l.From.IsZero() {
		l.From = time.Now().AddDate(0, 0, -30)
	}
	if l.To.IsZero() {
		l.To = l.From.AddDate(0, 0, 90)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	must(t, err)
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "probe test"}, NotBefore: l.From, NotAfter: l.To, DNSNames: l.Names, IPAddresses: l.IPs,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true, SignatureAlgorithm: l.Signature}
	parent, signer := a.Cert, a.Key
	if l.SelfSigned {
		parent, signer = template, l.Key
	}
	leaf := sign(t, template, parent, l.Key.Public(), signer)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: l.Key, Leaf: leaf}
}

func sign(t testing.TB, template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	must(t, err)
	c, err := x509.ParseCertificate(der)
	must(t, err)
	return c
}

// ECKey makes a P-256 key.
func ECKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

// RSAKey makes an RSA key.
func RSAKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	must(t, err)
	return key
}

// Files writes a certificate with its chain and its key for a program to read.
func Files(t testing.TB, c tls.Certificate) (chain, key string) {
	t.Helper()
	dir := t.TempDir()
	chain, key = filepath.Join(dir, "chain.pem"), filepath.Join(dir, "key.pem")
	var text []byte
	for _, der := range c.Certificate {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	must(t, os.WriteFile(chain, text, 0o600))
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	must(t, err)
	must(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return chain, key
}

// Script accepts on loopback and gives each connection to a function; the connection is closed when the function ends.
func Script(t testing.TB, each func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var open sync.Map
	t.Cleanup(func() {
		l.Close()
		open.Range(func(c, _ any) bool {
			c.(net.Conn).Close()
			return true
		})
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Store(c, true)
			go func() {
				defer open.Delete(c)
				defer c.Close()
				each(c)
			}()
		}
	}()
	return l.Addr().String()
}

// ServeTLS answers TLS with crypto/tls, and each request line with a short page.
func ServeTLS(t testing.TB, config *tls.Config) string {
	t.Helper()
	return Script(t, func(c net.Conn) {
		conn := tls.Server(c, config)
		if conn.SetDeadline(time.Now().Add(10*time.Second)) != nil || conn.Handshake() != nil {
			return
		}
		AnswerPage(conn)
	})
}

// AnswerPage reads a request and answers it with a short page.
func AnswerPage(c net.Conn) {
	in := bufio.NewReader(c)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if strings.TrimSpace(line) == "" {
			break
		}
	}
	if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"); err != nil {
		return
	}
}

// OpenSSL starts `openssl s_server` with a certificate and gives its address.
func OpenSSL(t testing.TB, c tls.Certificate, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatal("This test needs OpenSSL: install the openssl package.")
	}
	chain, key := Files(t, c)
	cmd := exec.Command(program, append([]string{"s_server", "-accept", "127.0.0.1:0", "-cert", chain, "-key", key, "-naccept", "100000"}, args...)...)
	in, err := cmd.StdinPipe() // open for as long as it runs: it ends with its input
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	var problems strings.Builder
	cmd.Stderr = &problems
	must(t, cmd.Start())
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Process.Kill(); err == nil {
			cmd.Wait() // // it was killed
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if address, found := strings.CutPrefix(lines.Text(), "ACCEPT "); found {
			go io.Copy(io.Discard, out) // // until it ends
			return address
		}
	}
	cmd.Wait() // // what it said is told
	t.Fatalf("openssl does not serve: %s", problems.String())
	return ""
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Under makes an authority below another one.
func Under(t testing.TB, root *Authority) *Authority {
	t.Helper()
	key := ECKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Muster Test Intermediate"}, NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(4, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	return &Authority{Key: key, Cert: sign(t, template, root.Cert, key.Public(), root.Key), Pool: root.Pool}
}
