package identity

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"muster/internal/fault"
)

// The cost of a password's hash: OWASP's first choice for argon2id (19 MiB, two passes).
const (
	hashMemory = 19 * 1024 // KiB
	hashPasses = 2
	hashLanes  = 1
	hashBytes  = 32
)

// slots bounds how many hashes are computed at once, so that sign-ins cannot take all memory.
var slots = make(chan struct{}, runtime.NumCPU())

// hashPassword gives the PHC string of a password under a new salt.
func hashPassword(password string) string {
	salt := make([]byte, 16)
	rand.Read(salt)
	return encodeHash(salt, derive(password, salt, hashMemory, hashPasses, hashLanes, hashBytes))
}

func encodeHash(salt, key []byte) string {
	e := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashPasses, hashLanes, e.EncodeToString(salt), e.EncodeToString(key))
}

func derive(password string, salt []byte, memory, passes uint32, lanes uint8, size uint32) []byte {
	slots <- struct{}{}
	defer func() { <-slots }()
	return argon2.IDKey([]byte(password), salt, passes, memory, lanes, size)
}

// checkPassword compares in constant time; rehash says that the hash was made at another cost.
func checkPassword(hash, password string) (ok, rehash bool) {
	var version int
	var memory, passes uint32
	var lanes uint8
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, false
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes, &lanes); err != nil {
		return false, false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, false
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) == 0 {
		return false, false
	}
	got := derive(password, salt, memory, passes, lanes, uint32(len(want))) //nolint:gosec // our own hash is 32 bytes
	return subtle.ConstantTimeCompare(got, want) == 1, memory != hashMemory || passes != hashPasses || lanes != hashLanes
}

// nobodysHash is compared when there is no such user, so that the answer takes as long.
var nobodysHash = hashPassword("nobody has this password")

// The length of a password in characters (NIST SP 800-63B-4: at least 8, we ask for more; no rules on kinds of characters).
const (
	minPassword = 12
	maxPassword = 128
)

// checkNewPassword refuses what guessing would try first. The context is what an attacker knows: names, address, product.
func checkNewPassword(password string, context ...string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case n < minPassword:
		return fault.Field("password", fmt.Sprintf("Use at least %d characters; three or four words make a good one.", minPassword))
	case n > maxPassword:
		return fault.Field("password", fmt.Sprintf("Use at most %d characters.", maxPassword))
	case !utf8.ValidString(password):
		return fault.Field("password", "The password holds bytes that are not text.")
	}
	plain := leetless(password)
	rest := plain
	for _, c := range context {
		for _, word := range words(c) {
			rest = strings.ReplaceAll(rest, leetless(word), "")
		}
	}
	if rest != plain && letters(rest) < 6 {
		return fault.Field("password", "The password is little more than a name that others know. Choose other words.")
	}
	if common(plain) || common(strings.ToLower(password)) || variety(plain) < 5 {
		return fault.Field("password", "This password is among the first that would be guessed. Choose three or four words that do not belong together.")
	}
	return nil
}

// words are the parts of a name or address that are long enough to matter.
func words(text string) []string {
	var list []string
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if utf8.RuneCountInString(w) >= 3 {
			list = append(list, w)
		}
	}
	return list
}

// leetless undoes the usual replacements, so that p@ssw0rd is password.
func leetless(text string) string {
	return strings.NewReplacer("@", "a", "4", "a", "3", "e", "1", "i", "!", "i", "0", "o", "$", "s", "5", "s", "7", "t").Replace(strings.ToLower(text))
}

// commonWords are the pieces of which common long passwords are made; a password that is nothing but such pieces is common.
var commonWords = strings.Fields(`password passwort motdepasse contrasena letmein welcome admin administrator qwerty qwertz azerty asdf zxcv qazwsx iloveyou monkey dragon
 football baseball sunshine princess master shadow superman batman trustnoi changeme secret default login access test demo user root hello summer winter spring autumn
 january february march april may june july august september october november december monday friday starwars whatever computer internet security muster company abc xyz`)

// common reports whether nothing is left once common words, digits, runs and repetitions are taken away.
func common(plain string) bool {
	rest := plain
	for _, w := range commonWords {
		rest = strings.ReplaceAll(rest, w, "")
	}
	kept := 0
	runes := []rune(rest)
	for i, r := range runes {
		run := i > 0 && (r == runes[i-1] || r == runes[i-1]+1 || r == runes[i-1]-1)
		if unicode.IsLetter(r) && !run && !neighbours(runes, i) {
			kept++
		}
	}
	return kept < 5
}

var rows = []string{"qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop"}

// neighbours reports whether a letter lies beside the one before it on a keyboard.
func neighbours(runes []rune, i int) bool {
	if i == 0 {
		return false
	}
	for _, row := range rows {
		a, b := strings.IndexRune(row, runes[i-1]), strings.IndexRune(row, runes[i])
		if a >= 0 && b >= 0 && (a-b == 1 || b-a == 1) {
			return true
		}
	}
	return false
}

func letters(text string) int {
	n := 0
	for _, r := range text {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}

func variety(text string) int {
	seen := map[rune]bool{}
	for _, r := range text {
		seen[r] = true
	}
	return len(seen)
}
