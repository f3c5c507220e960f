package hello

import (
	"crypto/rand"
	"encoding/binary"
)

// ask is what one hello offers.
type ask struct {
	version Version
	name    string // of the server, for SNI; "" for addresses
	suites  []uint16
	groups  []uint16
	share   *share // of TLS 1.3; nil lets the server name the group it wants, which costs it no signature
}

// share is a public key for TLS 1.3.
type share struct {
	group  uint16
	public []byte
}

// renegotiationSCSV says that we know secure renegotiation; some servers want to hear it (RFC 5746).
const renegotiationSCSV = 0x00ff

// message builds the record with the hello.
func (a ask) message() []byte {
	body := binary.BigEndian.AppendUint16(nil, min(uint16(a.version), uint16(TLS12)))
	body = append(body, random(32)...)
	session := 0
	if a.version == TLS13 {
		session = 32 // middleboxes let a hello pass that looks like one of TLS 1.2
	}
	body = append(append(body, byte(session)), random(session)...)
	suites := a.suites
	if a.version < TLS13 {
		suites = append(suites[:len(suites):len(suites)], renegotiationSCSV)
	}
	body = appendList16(body, suites)
	body = append(body, 1, 0) // no compression
	if a.version > SSLv3 {
		body = appendBlock16(body, a.extensions())
	}
	handshake := append([]byte{typeClientHello, 0}, byte(len(body)>>8), byte(len(body)))
	handshake = append(handshake, body...)
	outer := uint16(TLS10) // some servers do not answer a first record of a later version
	if a.version == SSLv3 {
		outer = uint16(SSLv3)
	}
	record := binary.BigEndian.AppendUint16([]byte{recordHandshake}, outer)
	return appendBlock16(record, handshake)
}

func (a ask) extensions() []byte {
	var out []byte
	add := func(kind uint16, body []byte) {
		out = appendBlock16(binary.BigEndian.AppendUint16(out, kind), body)
	}
	if a.name != "" {
		add(0, appendBlock16(nil, appendBlock16([]byte{0}, []byte(a.name))))
	}
	add(10, appendList16(nil, a.groups))
	if a.version < TLS13 {
		add(11, []byte{3, 0, 1, 2}) // the three forms of points
		add(23, nil)                // extended master secret
	}
	if a.version >= TLS12 {
		add(13, appendList16(nil, signatures))
	}
	if a.version == TLS13 {
		add(43, []byte{2, 3, 4})
		add(45, []byte{1, 1}) // resumption only with a new key exchange; some servers want to see it
		var shares []byte
		if a.share != nil {
			shares = appendBlock16(binary.BigEndian.AppendUint16(nil, a.share.group), a.share.public)
		}
		add(51, appendBlock16(nil, shares))
	}
	return out
}

func appendBlock16(to, block []byte) []byte {
	return append(binary.BigEndian.AppendUint16(to, uint16(len(block))), block...)
}

func appendList16(to []byte, list []uint16) []byte {
	to = binary.BigEndian.AppendUint16(to, uint16(2*len(list)))
	for _, v := range list {
		to = binary.BigEndian.AppendUint16(to, v)
	}
	return to
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails (Go 1.24)
	return b
}

// v2Suites are the kinds of SSLv2.
var v2Suites = []struct {
	id   uint32
	name string
}{
	{0x010080, "SSL_CK_RC4_128_WITH_MD5"}, {0x020080, "SSL_CK_RC4_128_EXPORT40_WITH_MD5"}, {0x030080, "SSL_CK_RC2_128_CBC_WITH_MD5"},
	{0x040080, "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5"}, {0x050080, "SSL_CK_IDEA_128_CBC_WITH_MD5"}, {0x060040, "SSL_CK_DES_64_CBC_WITH_MD5"},
	{0x0700C0, "SSL_CK_DES_192_EDE3_CBC_WITH_MD5"}, {0x080080, "SSL_CK_RC4_64_WITH_MD5"}, {0x060140, "SSL_CK_DES_64_CBC_WITH_SHA"},
	{0x0701C0, "SSL_CK_DES_192_EDE3_CBC_WITH_SHA"}, {0xFF8000, "SSL_CK_DES_64_CFB64_WITH_MD5_1"}, {0xFF8010, "SSL_CK_NULL"},
}

// v2Message is the client hello of SSLv2, which has a framing of its own.
func v2Message() []byte {
	body := []byte{1, 0, 2}
	body = binary.BigEndian.AppendUint16(body, uint16(3*len(v2Suites)))
	body = append(body, 0, 0, 0, 16) // no session; a challenge of 16 bytes
	for _, s := range v2Suites {
		body = append(body, byte(s.id>>16), byte(s.id>>8), byte(s.id))
	}
	body = append(body, random(16)...)
	return append([]byte{0x80 | byte(len(body)>>8), byte(len(body))}, body...)
}
