package hello

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"syscall"
)

const (
	recordAlert     = 21
	recordHandshake = 22

	typeClientHello       = 1
	typeServerHello       = 2
	typeCertificate       = 11
	typeServerKeyExchange = 12
	typeServerHelloDone   = 14

	alertProtocolVersion  = 70
	alertUnrecognizedName = 112

	maxAnswer  = 2 << 20 // a chain with 10,000 names in each certificate stays below it
	maxRecords = 4096
)

// kind is the sort of an answer to a hello.
type kind int

const (
	silent  kind = iota // nothing came in time
	garbage             // something else than TLS
	closed              // the connection was closed after our hello
	alerted             // a fatal alert
	greeted             // a server hello
)

// answer is what came back.
type answer struct {
	kind    kind
	alert   byte
	version Version
	suite   uint16
	retry   bool // it was a hello retry request of TLS 1.3
	group   uint16
	dhBits  int
	chain   [][]byte // of a protocol below TLS 1.3
	v2      []string // the kinds of an SSLv2 server hello
	http    bool     // the garbage was HTTP
	reason  string
}

// refused reports whether the server clearly said no.
func (a answer) refused() bool { return a.kind == alerted || a.kind == closed }

// retryRandom marks a server hello as a hello retry request (RFC 8446, 4.1.3).
var retryRandom = []byte{0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
	0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C}

// parser reads the records of one answer.
type parser struct {
	in      *bytes.Buffer // handshake bytes across records
	answer  answer
	greeted bool
}

var errDone = errors.New("done")

// parse reads an answer until everything is known that a hello can bring out.
func parse(r io.Reader) answer {
	limited := &io.LimitedReader{R: r, N: maxAnswer}
	p := &parser{in: &bytes.Buffer{}}
	var head [5]byte
	for range maxRecords {
		n, err := io.ReadFull(limited, head[:])
		if err != nil {
			return p.broken(err, head[:n])
		}
		if !looksLikeTLS(head) {
			return p.foreign(head[:])
		}
		body := make([]byte, binary.BigEndian.Uint16(head[3:]))
		if _, err := io.ReadFull(limited, body); err != nil {
			return p.broken(err, head[:])
		}
		if err := p.record(head[0], body); err != nil {
			return p.answer
		}
	}
	return p.end(garbage, "it sent more than a server hello may hold")
}

func looksLikeTLS(head [5]byte) bool {
	return head[0] >= 20 && head[0] <= 24 && head[1] == 3 && binary.BigEndian.Uint16(head[3:]) <= 1<<14+2048
}

// end gives the answer, unless a server hello said enough already.
func (p *parser) end(k kind, reason string) answer {
	if !p.greeted {
		p.answer.kind, p.answer.reason = k, reason
	}
	return p.answer
}

func (p *parser) foreign(head []byte) answer {
	p.answer.http = !p.greeted && bytes.HasPrefix(head, []byte("HTTP/"))
	if p.answer.http {
		return p.end(garbage, "it answers in plain HTTP")
	}
	return p.end(garbage, "what it answers is not TLS")
}

// broken tells silence from a close. Bytes that break off in the middle are no refusal.
func (p *parser) broken(err error, partial []byte) answer {
	var timeout net.Error
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return p.end(silent, "it gave no answer in time")
	case len(partial) > 0:
		return p.end(garbage, "its answer breaks off")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return p.end(closed, "it closed the connection")
	}
	return p.end(silent, fmt.Sprintf("the connection failed: %v", err))
}

// record takes one record; an error ends the reading.
func (p *parser) record(kind byte, body []byte) error {
	switch kind {
	case recordAlert:
		if len(body) < 2 {
			return nil
		}
		if body[0] == 1 && body[1] == alertUnrecognizedName { // a warning; the hello follows
			return nil
		}
		p.answer.alert = body[1]
		p.end(alerted, "it answered with the alert "+alertName(body[1]))
		return errDone
	case recordHandshake:
		p.in.Write(body)
		return p.messages()
	}
	if p.greeted {
		return errDone // encrypted records of TLS 1.3
	}
	return nil
}

// messages takes the whole handshake messages that have come.
func (p *parser) messages() error {
	for p.in.Len() >= 4 {
		b := p.in.Bytes()
		size := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		if size > maxAnswer {
			p.end(garbage, "it announced a message of more than 2 MB")
			return errDone
		}
		if len(b) < 4+size {
			return nil
		}
		message := p.in.Next(4 + size)
		if err := p.message(message[0], message[4:]); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) message(kind byte, body []byte) error {
	if !p.greeted && kind != typeServerHello {
		p.end(garbage, "it began with another message than a server hello")
		return errDone
	}
	switch kind {
	case typeServerHello:
		if !p.hello(body) {
			p.end(garbage, "its server hello cannot be read")
			return errDone
		}
		p.greeted, p.answer.kind = true, greeted
		if p.answer.version >= TLS13 {
			return errDone
		}
		return nil
	case typeCertificate:
		p.answer.chain = certificates(body)
	case typeServerKeyExchange:
		p.exchange(body)
		return errDone
	case typeServerHelloDone:
		return errDone
	}
	return nil
}

// hello reads the server hello.
func (p *parser) hello(b []byte) bool {
	if len(b) < 35 {
		return false
	}
	a := &p.answer
	a.version = Version(binary.BigEndian.Uint16(b))
	a.retry = bytes.Equal(b[2:34], retryRandom)
	session := int(b[34])
	b = b[35:]
	if session > 32 || len(b) < session+3 {
		return false
	}
	a.suite = binary.BigEndian.Uint16(b[session:])
	b = b[session+3:]
	if len(b) < 2 {
		return true
	}
	extensions := b[2:]
	for len(extensions) >= 4 {
		id, size := binary.BigEndian.Uint16(extensions), int(binary.BigEndian.Uint16(extensions[2:]))
		if len(extensions) < 4+size {
			return false
		}
		body := extensions[4 : 4+size]
		extensions = extensions[4+size:]
		switch {
		case id == 43 && size == 2:
			a.version = Version(binary.BigEndian.Uint16(body))
		case id == 51 && size >= 2:
			a.group = binary.BigEndian.Uint16(body)
		}
	}
	return true
}

// certificates splits a certificate message of TLS 1.2 and below; what is cut off is left out.
func certificates(b []byte) [][]byte {
	if len(b) < 3 {
		return nil
	}
	var chain [][]byte
	for b = b[3:]; len(b) >= 3 && len(chain) < 20; {
		size := int(b[0])<<16 | int(b[1])<<8 | int(b[2])
		if len(b) < 3+size {
			break
		}
		chain = append(chain, bytes.Clone(b[3:3+size]))
		b = b[3+size:]
	}
	return chain
}

// exchange reads which curve, or how long a prime, the server uses.
func (p *parser) exchange(b []byte) {
	name := Name(p.answer.suite)
	switch {
	case bytes.Contains([]byte(name), []byte("_ECDH")):
		if len(b) >= 3 && b[0] == 3 { // a named curve
			p.answer.group = binary.BigEndian.Uint16(b[1:])
		}
	case bytes.Contains([]byte(name), []byte("_PSK_")): // a hint stands before the parameters
	case bytes.Contains([]byte(name), []byte("_DH")):
		if len(b) < 2 {
			return
		}
		size := int(binary.BigEndian.Uint16(b))
		if len(b) >= 2+size && size <= 4096 {
			p.answer.dhBits = new(big.Int).SetBytes(b[2 : 2+size]).BitLen()
		}
	}
}

// parseV2 reads the answer to a hello of SSLv2.
func parseV2(r io.Reader) answer {
	p := &parser{in: &bytes.Buffer{}}
	var head [5]byte
	if n, err := io.ReadFull(r, head[:]); err != nil {
		if n >= 2 && head[0]&0x80 != 0 { // the error message of SSLv2 has three bytes
			return p.end(closed, "it answered with an error of SSLv2")
		}
		return p.broken(err, head[:n])
	}
	if looksLikeTLS(head) {
		return parse(io.MultiReader(bytes.NewReader(head[:]), r))
	}
	if head[0]&0x80 == 0 {
		return p.foreign(head[:])
	}
	size := int(head[0]&0x7f)<<8 | int(head[1])
	if size < 11 {
		return p.end(closed, "it answered with an error of SSLv2")
	}
	body := make([]byte, size)
	copy(body, head[2:])
	if _, err := io.ReadFull(r, body[3:]); err != nil {
		return p.broken(err, head[:])
	}
	if body[0] != 4 || binary.BigEndian.Uint16(body[3:]) != uint16(SSLv2) {
		return p.foreign(head[:])
	}
	return v2Hello(body)
}

func v2Hello(body []byte) answer {
	a := answer{kind: greeted, version: SSLv2}
	certificate, kinds := int(binary.BigEndian.Uint16(body[5:])), int(binary.BigEndian.Uint16(body[7:]))
	list := body[11:]
	if len(list) < certificate+kinds {
		return a
	}
	if certificate > 0 {
		a.chain = [][]byte{bytes.Clone(list[:certificate])}
	}
	for list = list[certificate : certificate+kinds]; len(list) >= 3; list = list[3:] {
		id := uint32(list[0])<<16 | uint32(list[1])<<8 | uint32(list[2])
		for _, s := range v2Suites {
			if s.id == id {
				a.v2 = append(a.v2, s.name)
			}
		}
	}
	return a
}

func alertName(code byte) string {
	names := map[byte]string{0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow", 40: "handshake_failure", 42: "bad_certificate", 47: "illegal_parameter", 48: "unknown_ca",
		49: "access_denied", 50: "decode_error", 51: "decrypt_error", alertProtocolVersion: "protocol_version", 71: "insufficient_security", 80: "internal_error", 86: "inappropriate_fallback",
		90: "user_canceled", 109: "missing_extension", 110: "unsupported_extension", alertUnrecognizedName: "unrecognized_name", 115: "unknown_psk_identity", 116: "certificate_required", 120: "no_application_protocol"}
	if name, known := names[code]; known {
		return name
	}
	return fmt.Sprintf("%d", code)
}
