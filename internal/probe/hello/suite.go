package hello

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed suites.txt
var suitesText string

// Suite is one cipher suite of the IANA registry, or one that was used without being registered.
type Suite struct {
	ID   uint16
	Name string
}

// registry is every suite below TLS 1.3 that a server could pick, the usual ones first, and those of TLS 1.3.
var registry = sync.OnceValues(func() (classic, modern []Suite) {
	for line := range strings.Lines(suitesText) {
		id, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseUint(id, 16, 16)
		if err != nil {
			continue // a test counts the lines
		}
		s := Suite{uint16(n), name}
		if strings.Contains(name, "_WITH_") {
			classic = append(classic, s)
		} else {
			modern = append(modern, s)
		}
	}
	slices.SortStableFunc(classic, func(a, b Suite) int { return rarity(a.Name) - rarity(b.Name) })
	return classic, modern
})

// rarity puts the suites that real servers have into the first batch.
func rarity(name string) int {
	for _, prefix := range []string{"TLS_ECDHE_RSA_", "TLS_ECDHE_ECDSA_", "TLS_DHE_RSA_", "TLS_RSA_"} {
		if strings.HasPrefix(name, prefix) {
			return 0
		}
	}
	switch {
	case strings.Contains(name, "_anon_"), strings.HasPrefix(name, "TLS_DHE_DSS_"):
		return 1
	case strings.HasPrefix(name, "TLS_ECDH_"), strings.HasPrefix(name, "TLS_DH_"):
		return 2
	}
	return 3
}

// Name gives the registered name of a suite.
func Name(id uint16) string {
	classic, modern := registry()
	for _, list := range [][]Suite{classic, modern} {
		if i := slices.IndexFunc(list, func(s Suite) bool { return s.ID == id }); i >= 0 {
			return list[i].Name
		}
	}
	return "0x" + strings.ToUpper(strconv.FormatUint(uint64(id), 16))
}

// fits reports whether a suite exists in a version: authenticated encryption and the SHA-2 MACs came with TLS 1.2.
func fits(name string, v Version) bool {
	if v >= TLS12 {
		return true
	}
	return !slices.ContainsFunc([]string{"_GCM", "_CCM", "_POLY1305", "_SHA256", "_SHA384"}, func(part string) bool { return strings.Contains(name, part) })
}

// Traits are what the name of a suite says about its strength.
type Traits struct {
	Bits          int // of the cipher's strength; 0 is no encryption
	AEAD          bool
	ForwardSecret bool
	Anonymous     bool
	Export        bool
	RC4           bool
	Block64       bool // 3DES, DES, IDEA, RC2, GOST 28147: blocks of 64 bits (SWEET32)
	MD5           bool
	CBC           bool
	Unusual       bool // GOST and such: whether it is sound is not for us to say
}

// Describe reads the traits out of an IANA name, or one of SSLv2.
func Describe(name string) Traits {
	_, cipher, classic := strings.Cut(name, "_WITH_")
	if strings.HasPrefix(name, "SSL_CK_") {
		cipher, classic = strings.TrimPrefix(name, "SSL_CK_"), true
	}
	if !classic { // of TLS 1.3
		cipher = strings.TrimPrefix(name, "TLS_")
	}
	has := func(part string) bool { return strings.Contains(cipher, part) }
	t := Traits{
		AEAD:          has("GCM") || has("CCM") || has("POLY1305") || has("MGM") || has("AEGIS"),
		ForwardSecret: !classic || strings.Contains(name, "DHE_") || strings.Contains(name, "_anon_") || strings.Contains(name, "ECCPWD") || strings.Contains(name, "CECPQ1"),
		Anonymous:     strings.Contains(name, "_anon_"),
		Export:        strings.Contains(name, "EXPORT"),
		RC4:           has("RC4"),
		MD5:           strings.HasSuffix(cipher, "MD5"),
		CBC:           has("CBC"),
		Unusual:       has("28147") || has("GOST89") || has("KUZNYECHIK") || has("MAGMA") || has("SM4") || has("FORTEZZA"),
	}
	t.Bits = bitsOf(cipher, t.Export)
	t.Block64 = has("DES") || has("IDEA") || has("RC2") || has("28147") || has("GOST89")
	return t
}

func bitsOf(cipher string, export bool) int {
	has := func(part string) bool { return strings.Contains(cipher, part) }
	switch {
	case has("NULL"), cipher == "SHA256_SHA256", cipher == "SHA384_SHA384":
		return 0
	case has("DES40"), has("_40_"), has("EXPORT40"):
		return 40
	case has("3DES"), has("DES_192"):
		return 112
	case has("DES_CBC"), has("DES_64"), has("_56_"):
		return 56
	case has("RC4_64"):
		return 64
	case export:
		return 40
	case has("256"), has("CHACHA20"), has("KUZNYECHIK"), has("MAGMA"), has("28147"), has("GOST89"):
		return leading256(cipher)
	}
	return 128
}

// leading256 tells AES_128 with SHA256 from AES_256.
func leading256(cipher string) int {
	if strings.Contains(cipher, "_128") {
		return 128
	}
	if strings.HasPrefix(cipher, "SEED") || strings.HasPrefix(cipher, "IDEA") {
		return 128
	}
	return 256
}
