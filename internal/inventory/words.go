package inventory

// The short words stand in table cells; the phrases say the same in a sentence.
var (
	authenticationShort = map[string]string{
		AuthUnknown: "unknown", AuthNone: "none", AuthPartly: "partly documented", AuthDocumented: "documented only",
		AuthMTLS: "any mesh member", AuthNamed: "named callers", AuthToken: "signed token",
	}
	encryptionShort = map[string]string{
		EncryptionUnknown: "unknown", EncryptionNone: "plain text", EncryptionPermissive: "optional", EncryptionPlainEdge: "plain on the way in",
		EncryptionTLS: "TLS on the way in", EncryptionMTLS: "mutual TLS",
	}
)

// AuthenticationShort is AuthenticationPhrase in a word or two.
func AuthenticationShort(word string) Phrase {
	return Phrase{authenticationShort[word], authenticationWords[word].Tone}
}

// EncryptionShort is EncryptionPhrase in a word or two.
func EncryptionShort(word string) Phrase {
	return Phrase{encryptionShort[word], encryptionWords[word].Tone}
}
