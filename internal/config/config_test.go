package config

import (
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, addr, base, wantBase, wantErr string
	}{
		{"loopback needs no base address", "127.0.0.1:8080", "", "http://127.0.0.1:8080", ""},
		{"every address is shown as localhost", ":9000", "", "http://localhost:9000", ""},
		{"a network address without TLS is refused", "192.0.2.1:80", "", "", "must be https"},
		{"http elsewhere is refused", ":80", "http://muster.example.com", "", "must be https"},
		{"https elsewhere is fine", ":80", "https://muster.example.com/", "https://muster.example.com", ""},
		{"a path is refused", ":80", "https://example.com/muster", "", "is not like"},
		{"an address without a port is refused", "localhost", "", "", "HOST:PORT"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := Config{Addr: tt.addr, BaseURL: tt.base}
			err := c.Validate()
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("got %v", err)
				}
				return
			}
			if err != nil || c.BaseURL != tt.wantBase {
				t.Fatalf("got %q, %v", c.BaseURL, err)
			}
		})
	}
}

func TestProbeNetworks(t *testing.T) {
	t.Parallel()
	c := Config{Addr: "127.0.0.1:8080", Reach: Reach{ProbeNetworks: []string{"10.0.0.0/8", "192.168.7.9/32"}}}
	if err := c.Validate(); err != nil || len(c.Allow()) != 2 || c.Allow()[1].String() != "192.168.7.9/32" {
		t.Errorf("got %v, %v", c.Allow(), err)
	}
	c.ProbeNetworks = []string{"10.0.0.0/8", "everywhere"}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), `the probe network "everywhere"`) {
		t.Errorf("got %v", err)
	}
}
