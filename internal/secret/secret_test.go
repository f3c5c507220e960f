package secret

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTextNeverPrints(t *testing.T) {
	t.Parallel()
	v := struct{ Password Text }{"hunter2hunter2"}
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), string(encoded)} {
		if strings.Contains(shown, "hunter2") {
			t.Errorf("shown in %s", shown)
		}
	}
}

func TestBoxBindsAValueToItsPlace(t *testing.T) {
	t.Parallel()
	box, err := NewBox(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	sealed := box.Seal("JBSWY3DP", "users:1:totp")
	if got, err := box.Open(sealed, "users:1:totp"); err != nil || got != "JBSWY3DP" {
		t.Fatal(got, err)
	}
	if _, err := box.Open(sealed, "users:2:totp"); err == nil {
		t.Fatal("another user's place opened it")
	}
}

func TestKeyFileIsMadeOnceForItsOwner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sub", "key")
	first, err := LoadOrCreateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadOrCreateKey(path)
	if err != nil || string(first) != string(second) {
		t.Fatal("the key changed", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
}
