// Package hello asks a TLS server, in the first message of each protocol from SSLv2 to TLS 1.3, what it accepts. It never finishes
// a handshake, so that it can offer what no library offers any more: export, NULL and anonymous suites, RC4, SSLv2.
package hello

// Version is a protocol version as it stands on the wire.
type Version uint16

// The versions, oldest first.
const (
	SSLv2 Version = 0x0002
	SSLv3 Version = 0x0300
	TLS10 Version = 0x0301
	TLS11 Version = 0x0302
	TLS12 Version = 0x0303
	TLS13 Version = 0x0304
)

// Versions is all of them, oldest first.
var Versions = []Version{SSLv2, SSLv3, TLS10, TLS11, TLS12, TLS13}

func (v Version) String() string {
	switch v {
	case SSLv2:
		return "SSLv2"
	case SSLv3:
		return "SSLv3"
	case TLS10:
		return "TLS1.0"
	case TLS11:
		return "TLS1.1"
	case TLS12:
		return "TLS1.2"
	case TLS13:
		return "TLS1.3"
	}
	return "an unknown version"
}

// State is what is known of one version.
type State string

// The states. Refused is only said after an alert or a close that answers our hello; silence and garbage are Unknown.
const (
	Offered State = "offered"
	Refused State = "refused"
	Unknown State = "unknown"
)

// groupNames are the named groups that we offer; the key exchanges of TLS 1.2 know those below 256.
var groupNames = map[uint16]string{
	1: "sect163k1", 2: "sect163r1", 3: "sect163r2", 4: "sect193r1", 5: "sect193r2", 6: "sect233k1", 7: "sect233r1", 8: "sect239k1", 9: "sect283k1", 10: "sect283r1",
	11: "sect409k1", 12: "sect409r1", 13: "sect571k1", 14: "sect571r1", 15: "secp160k1", 16: "secp160r1", 17: "secp160r2", 18: "secp192k1", 19: "secp192r1",
	20: "secp224k1", 21: "secp224r1", 22: "secp256k1", 23: "secp256r1", 24: "secp384r1", 25: "secp521r1", 26: "brainpoolP256r1", 27: "brainpoolP384r1", 28: "brainpoolP512r1",
	29: "x25519", 30: "x448", 31: "brainpoolP256r1tls13", 32: "brainpoolP384r1tls13", 33: "brainpoolP512r1tls13", 41: "curveSM2",
	256: "ffdhe2048", 257: "ffdhe3072", 258: "ffdhe4096", 259: "ffdhe6144", 260: "ffdhe8192",
	0x0200: "MLKEM512", 0x0201: "MLKEM768", 0x0202: "MLKEM1024", 0x11EB: "SecP256r1MLKEM768", 0x11EC: "X25519MLKEM768", 0x11ED: "SecP384r1MLKEM1024",
}

// groupBits is the size of a curve's field: half of it is its strength.
var groupBits = map[uint16]int{
	1: 163, 2: 163, 3: 163, 4: 193, 5: 193, 6: 233, 7: 233, 8: 239, 9: 283, 10: 283, 11: 409, 12: 409, 13: 571, 14: 571, 15: 160, 16: 160, 17: 160, 18: 192, 19: 192,
	20: 224, 21: 224, 22: 256, 23: 256, 24: 384, 25: 521, 26: 256, 27: 384, 28: 512, 29: 255, 30: 448,
}

// classicGroups are offered below TLS 1.3, the usual ones first. The finite-field groups are left out on purpose: a server that
// knows them would hide the parameters of its own that other clients get (RFC 7919).
var classicGroups = []uint16{29, 23, 24, 25, 30, 26, 27, 28, 22, 14, 13, 12, 11, 10, 9, 8, 7, 6, 21, 20, 19, 18, 17, 16, 15, 5, 4, 3, 2, 1}

// modernGroups are offered in TLS 1.3.
var modernGroups = []uint16{0x11EC, 29, 23, 24, 25, 30, 0x11EB, 0x11ED, 31, 32, 33, 41, 0x0200, 0x0201, 0x0202, 256, 257, 258, 259, 260}

// signatures are every signature scheme that somebody uses.
var signatures = []uint16{0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x081a, 0x081b, 0x081c, 0x0401, 0x0501, 0x0601,
	0x0303, 0x0301, 0x0302, 0x0402, 0x0502, 0x0602, 0x0203, 0x0201, 0x0202, 0x0101}
