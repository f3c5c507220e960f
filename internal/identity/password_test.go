package identity

import (
	"strings"
	"testing"
)

func TestNewPasswords(t *testing.T) {
	t.Parallel()
	for password, good := range map[string]bool{
		"copper lantern tuesdays":  true,
		"vK3#pq0-Lmz8":             true,
		"korrekt-pferd-batterie":   true,
		"eleven char":              false, // short
		"password1234":             false,
		"P@ssw0rd2026!":            false,
		"qwertyuiop12":             false,
		"aaaaaaaaaaaaaaaa":         false,
		"123456789012":             false,
		"abcdefghijklmnop":         false,
		"iloveyou2026!!":           false,
		"WelcomeAdmin123":          false,
		"ama.mensah.2026":          false, // what others know
		"musterMuster12":           false,
		strings.Repeat("xk7 ", 40): false, // long
	} {
		if err := checkNewPassword(password, "Ama Mensah", "ama.mensah@kente.example", "Kente Pay", "muster"); (err == nil) != good {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestPasswordHash(t *testing.T) {
	t.Parallel()
	hash := hashPassword("copper lantern tuesdays")
	if ok, rehash := checkPassword(hash, "copper lantern tuesdays"); !ok || rehash {
		t.Error("the right password is refused, or its hash is called old")
	}
	if ok, _ := checkPassword(hash, "copper lantern tuesday"); ok {
		t.Error("a wrong password is taken")
	}
	old := encodeHash([]byte("0123456789abcdef"), derive("copper", []byte("0123456789abcdef"), 8*1024, 1, 1, hashBytes))
	old = strings.Replace(old, "m=19456,t=2", "m=8192,t=1", 1)
	if ok, rehash := checkPassword(old, "copper"); !ok || !rehash {
		t.Error("a hash of lower cost is not made anew")
	}
	for _, broken := range []string{"", "$argon2id$", "$argon2id$v=19$m=1,t=1,p=1$!!$!!", "plain"} {
		if ok, _ := checkPassword(broken, ""); ok {
			t.Errorf("%q lets in", broken)
		}
	}
}

func TestDelays(t *testing.T) {
	t.Parallel()
	if perAccount.delay(5) != 0 || perAccount.delay(6) == 0 || perAccount.delay(1000) != perAccount.most {
		t.Error("the delays do not grow from nothing to the most")
	}
	for ip, want := range map[string]string{"192.0.2.7": "192.0.2.0/24", "2001:db8::1%eth0": "2001:db8::/64", "::ffff:192.0.2.9": "192.0.2.0/24", "x": "unknown"} {
		if got := network(ip); got != want {
			t.Errorf("%s is in %s", ip, got)
		}
	}
}
