package hello

import (
	"strings"
	"testing"
)

func TestEverySuiteStandsOnce(t *testing.T) {
	t.Parallel()
	classic, modern := registry()
	if lines := strings.Count(suitesText, "\n"); len(classic)+len(modern) != lines || lines < 350 {
		t.Fatalf("%d and %d suites of %d lines", len(classic), len(modern), lines)
	}
	ids, names := map[uint16]string{}, map[string]bool{}
	for _, s := range append(append([]Suite{}, classic...), modern...) {
		// The early drafts for PSK in TLS 1.2 and a few registered later share names with nobody.
		if other, twice := ids[s.ID]; twice {
			t.Errorf("%04X is %s and %s", s.ID, other, s.Name)
		}
		if names[s.Name] {
			t.Errorf("%s stands twice", s.Name)
		}
		ids[s.ID], names[s.Name] = s.Name, true
	}
	for id, want := range map[uint16]string{0x002F: "TLS_RSA_WITH_AES_128_CBC_SHA", 0xC02F: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0x1301: "TLS_AES_128_GCM_SHA256", 0x0003: "TLS_RSA_EXPORT_WITH_RC4_40_MD5",
		0xC019: "TLS_ECDH_anon_WITH_AES_256_CBC_SHA", 0xCCA8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0xFFFE: "0xFFFE"} {
		if got := Name(id); got != want {
			t.Errorf("%04X is %s, want %s", id, got, want)
		}
	}
}

func TestTraits(t *testing.T) {
	t.Parallel()
	tests := map[string]Traits{
		"TLS_AES_128_GCM_SHA256":                      {Bits: 128, AEAD: true, ForwardSecret: true},
		"TLS_CHACHA20_POLY1305_SHA256":                {Bits: 256, AEAD: true, ForwardSecret: true},
		"TLS_AES_128_CCM_8_SHA256":                    {Bits: 128, AEAD: true, ForwardSecret: true},
		"TLS_SHA256_SHA256":                           {ForwardSecret: true},
		"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384":       {Bits: 256, AEAD: true, ForwardSecret: true},
		"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256":     {Bits: 128, ForwardSecret: true, CBC: true},
		"TLS_RSA_WITH_AES_256_CBC_SHA":                {Bits: 256, CBC: true},
		"TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA256":    {Bits: 128, ForwardSecret: true, CBC: true},
		"TLS_DH_anon_WITH_AES_128_GCM_SHA256":         {Bits: 128, AEAD: true, ForwardSecret: true, Anonymous: true},
		"TLS_RSA_WITH_3DES_EDE_CBC_SHA":               {Bits: 112, Block64: true, CBC: true},
		"TLS_RSA_WITH_DES_CBC_SHA":                    {Bits: 56, Block64: true, CBC: true},
		"TLS_RSA_EXPORT_WITH_DES40_CBC_SHA":           {Bits: 40, Block64: true, CBC: true, Export: true},
		"TLS_RSA_EXPORT1024_WITH_RC4_56_SHA":          {Bits: 56, RC4: true, Export: true},
		"TLS_RSA_EXPORT_WITH_RC4_40_MD5":              {Bits: 40, RC4: true, Export: true, MD5: true},
		"TLS_RSA_WITH_RC4_128_MD5":                    {Bits: 128, RC4: true, MD5: true},
		"TLS_RSA_WITH_IDEA_CBC_SHA":                   {Bits: 128, Block64: true, CBC: true},
		"TLS_RSA_WITH_SEED_CBC_SHA":                   {Bits: 128, CBC: true},
		"TLS_RSA_WITH_NULL_SHA256":                    {},
		"TLS_PSK_WITH_CHACHA20_POLY1305_SHA256":       {Bits: 256, AEAD: true},
		"TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256":       {Bits: 128, AEAD: true, ForwardSecret: true},
		"SSL_CK_RC4_128_EXPORT40_WITH_MD5":            {Bits: 40, RC4: true, Export: true, MD5: true},
		"SSL_CK_DES_192_EDE3_CBC_WITH_MD5":            {Bits: 112, Block64: true, CBC: true, MD5: true},
		"TLS_GOSTR341112_256_WITH_MAGMA_MGM_L":        {Bits: 256, AEAD: true, Unusual: true},
		"TLS_GOSTR341112_256_WITH_28147_CNT_IMIT":     {Bits: 256, Block64: true, Unusual: true},
		"TLS_KRB5_EXPORT_WITH_RC2_CBC_40_MD5":         {Bits: 40, Block64: true, CBC: true, Export: true, MD5: true},
		"TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256":      {Bits: 128, AEAD: true, ForwardSecret: true},
		"TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8":          {Bits: 256, AEAD: true, ForwardSecret: true},
		"TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256":        {Bits: 128, AEAD: true},
		"TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256":   {Bits: 256, AEAD: true, ForwardSecret: true},
		"TLS_SRP_SHA_RSA_WITH_AES_128_CBC_SHA":        {Bits: 128, CBC: true},
		"TLS_CECPQ1_RSA_WITH_AES_256_GCM_SHA384":      {Bits: 256, AEAD: true, ForwardSecret: true},
		"TLS_DH_DSS_WITH_ARIA_256_CBC_SHA384":         {Bits: 256, CBC: true},
		"TLS_RSA_EXPORT1024_WITH_DES_CBC_SHA":         {Bits: 56, Block64: true, CBC: true, Export: true},
		"TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA":       {Bits: 112, Block64: true, CBC: true, ForwardSecret: true},
		"TLS_RSA_WITH_CAMELLIA_256_GCM_SHA384":        {Bits: 256, AEAD: true},
		"SSL_RSA_FIPS_WITH_3DES_EDE_CBC_SHA":          {Bits: 112, Block64: true, CBC: true},
		"TLS_DHE_DSS_EXPORT1024_WITH_DES_CBC_SHA":     {Bits: 56, Block64: true, CBC: true, Export: true, ForwardSecret: true},
		"TLS_DH_RSA_WITH_CAMELLIA_256_CBC_SHA256":     {Bits: 256, CBC: true},
		"TLS_ECCPWD_WITH_AES_128_GCM_SHA256":          {Bits: 128, AEAD: true, ForwardSecret: true},
		"TLS_DH_anon_EXPORT_WITH_RC4_40_MD5":          {Bits: 40, RC4: true, Export: true, MD5: true, Anonymous: true, ForwardSecret: true},
		"TLS_SM4_GCM_SM3":                             {Bits: 128, AEAD: true, ForwardSecret: true, Unusual: true},
		"TLS_AEGIS_256_SHA512":                        {Bits: 256, AEAD: true, ForwardSecret: true},
		"TLS_ECDHE_PSK_WITH_NULL_SHA384":              {ForwardSecret: true},
		"TLS_RSA_PSK_WITH_AES_128_CBC_SHA256":         {Bits: 128, CBC: true},
		"TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256": {Bits: 256, AEAD: true, ForwardSecret: true},
	}
	for name, want := range tests {
		if got := Describe(name); got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}
