// Package secret keeps secrets out of logs and databases: it redacts, hashes, draws and encrypts them.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Text is a string that never prints itself.
type Text string

// String hides the value.
func (Text) String() string { return "[hidden]" }

// GoString hides the value.
func (Text) GoString() string { return "[hidden]" }

// MarshalText hides the value from JSON and from slog.
func (Text) MarshalText() ([]byte, error) { return []byte("[hidden]"), nil }

// Empty reports whether there is nothing to hide.
func (t Text) Empty() bool { return t == "" }

// Reveal gives the value to the one place that needs it.
func (t Text) Reveal() string { return string(t) }

// Token draws a random URL-safe token of 256 bits.
func Token() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// Hash is the SHA-256 of a high-entropy token, in hex; what the database keeps instead of it.
func Hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Box encrypts short values for the database with one key (AES-256-GCM).
type Box struct{ aead cipher.AEAD }

// ErrSealed says that a value was not sealed by this key for this place.
var ErrSealed = errors.New("the value was not sealed with this key for this place")

// NewBox makes a Box from a key of 32 bytes.
func NewBox(key []byte) (*Box, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return &Box{aead: aead}, nil
}

// Seal encrypts a value; place ("users:42:totp") binds it to its row and column.
func (b *Box) Seal(value, place string) string {
	return base64.RawStdEncoding.EncodeToString(b.aead.Seal(nil, nil, []byte(value), []byte(place)))
}

// Open decrypts what Seal made for the same place.
func (b *Box) Open(sealed, place string) (string, error) {
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil {
		return "", ErrSealed
	}
	value, err := b.aead.Open(nil, nil, raw, []byte(place))
	if err != nil {
		return "", ErrSealed
	}
	return string(value), nil
}

// LoadOrCreateKey reads a key file of 32 bytes in hex, or makes it, readable by its owner only.
func LoadOrCreateKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return createKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("the key file %s does not hold 32 bytes in hex", path)
	}
	return key, nil
}

func createKey(path string) ([]byte, error) {
	key := make([]byte, 32)
	rand.Read(key)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make key folder: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make key file: %w", err)
	}
	_, writeErr := file.WriteString(hex.EncodeToString(key) + "\n")
	if err := errors.Join(writeErr, file.Sync(), file.Close()); err != nil {
		return nil, fmt.Errorf("write key file: %w", err)
	}
	return key, nil
}
