package scan

import (
	"slices"
	"testing"

	"muster/internal/inventory"
)

func TestTargetOf(t *testing.T) {
	t.Parallel()
	tests := []struct{ address, tls, want string }{
		{"https://shop.example.com/app", "unknown", "https://shop.example.com/app"},
		{"http://shop.example.com", "no", "http://shop.example.com"},
		{"shop.example.com", "yes", "https://shop.example.com"},
		{"shop.example.com", "unknown", "https://shop.example.com"},
		{"shop.example.com", "no", "http://shop.example.com"},
		{"shop.example.com:443", "unknown", "https://shop.example.com:443"},
		{"shop.example.com:80", "unknown", "http://shop.example.com:80"},
		{"shop.example.com:8443", "yes", "https://shop.example.com:8443"},
		{"shop.example.com:9000", "unknown", "shop.example.com:9000"},
		{"192.0.2.7:9000", "unknown", "192.0.2.7:9000"},
		{"[2001:db8::1]:9000", "unknown", "[2001:db8::1]:9000"},
		{"2001:db8::1", "yes", "https://[2001:db8::1]"},
		{":80", "no", ""},
		{"*", "yes", ""},
		{"*.example.com", "yes", ""},
		{"*:443", "yes", ""},
		{"0.0.0.0:80", "no", ""},
		{"https://*.example.com/", "yes", ""},
		{"${HOST}:80", "no", ""},
		{"", "unknown", ""},
	}
	for _, tt := range tests {
		got, reason := targetOf(tt.address, tt.tls)
		if got != tt.want || (got == "") != (reason != "") {
			t.Errorf("%q (tls %s): got %q, %q; want %q", tt.address, tt.tls, got, reason, tt.want)
		}
	}
}

func TestPlacesOf(t *testing.T) {
	t.Parallel()
	source := int64(1)
	s := &inventory.Standing{Service: inventory.Service{Exposure: inventory.Public}, Endpoints: []inventory.Endpoint{
		{Address: "shop.example.com", Scope: "all", TLS: "yes", SourceID: &source},
		{Address: "shop.example.com", Scope: "all", TLS: "yes", SourceID: &source}, // named by two files
		{Address: "shop:8080", Scope: "internal", SourceID: &source},
		{Address: "admin.internal:8443", Scope: "internal"}, // a person added it
		{Address: "127.0.0.1:9090", Scope: "loopback", SourceID: &source},
		{Address: ":80", Scope: "all", SourceID: &source},
	}}
	type row struct {
		address          string
		expected, public bool
		visitable        bool
	}
	var got []row
	for _, p := range placesOf(&s.Service, s.Endpoints) {
		got = append(got, row{p.Address, p.Expected, p.Public, p.Target != ""})
	}
	want := []row{{"shop.example.com", true, true, true}, {"shop:8080", false, false, true}, {"admin.internal:8443", true, false, true}, {":80", true, true, false}}
	if !slices.Equal(got, want) {
		t.Fatalf("got %v\nwant %v", got, want)
	}
}

func TestDeclaredPorts(t *testing.T) {
	t.Parallel()
	places := []Place{{Address: "https://a.example.com"}, {Address: "A.example.com.:8443"}, {Address: "a.example.com"}, {Address: "b.example.com:9"}, {Address: "http://a.example.com:8080/x"}}
	if got := declaredPorts("a.example.com", places); !slices.Equal(got, []int{80, 443, 8080, 8443}) {
		t.Fatalf("got %v", got)
	}
}
