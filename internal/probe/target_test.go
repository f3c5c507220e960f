package probe

import (
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	t.Parallel()
	tests := []struct {
		raw, scheme, host string
		port              int
		path, base, err   string
	}{
		{raw: "https://Shop.Example.com", scheme: "https", host: "shop.example.com", port: 443, path: "/", base: "https://shop.example.com/"},
		{raw: "http://shop.example.com./a%20b?x=1", scheme: "http", host: "shop.example.com", port: 80, path: "/a%20b", base: "http://shop.example.com/"},
		{raw: "https://[::1]:8443/", scheme: "https", host: "::1", port: 8443, path: "/", base: "https://[::1]:8443/"},
		{raw: "db.example.com:5432", host: "db.example.com", port: 5432, path: "/", base: "http://db.example.com:5432/"},
		{raw: "[fe80::1%eth0]:80", host: "fe80::1%eth0", port: 80, path: "/", base: "http://[fe80::1%25eth0]/"},
		{raw: "", err: "is empty"},
		{raw: "shop.example.com", err: "neither a URL nor HOST:PORT"},
		{raw: "ftp://shop.example.com", err: "begins with ftp://"},
		{raw: "https://user:secret@shop.example.com", err: "has a user name"},
		{raw: "https://shop.example.com:0", err: "not between 1 and 65535"},
		{raw: "shop.example.com:65536", err: "not between 1 and 65535"},
		{raw: "https://", err: "names no host"},
		{raw: "https://münchen.example", err: "xn--"},
		{raw: "https://a b.example", err: "not a URL"},
		{raw: "a/b:80", err: "'/'"},
	}
	for _, tt := range tests {
		t.Run(tt.raw, func(t *testing.T) {
			t.Parallel()
			got, err := parseTarget(tt.raw)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "secret") {
					t.Fatalf("got %v", err)
				}
				return
			}
			if err != nil || got.scheme != tt.scheme || got.host != tt.host || got.port != tt.port || got.path != tt.path || got.base().String() != tt.base {
				t.Errorf("got %+v with base %v, %v", got, got.base(), err)
			}
		})
	}
}
