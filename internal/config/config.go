// Package config turns flags and MUSTER_* variables into one checked value. Secrets in it never print.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"

	"muster/internal/secret"
)

// Store says where the data is. It is shared by every command that needs a database.
type Store struct {
	Data     string      `env:"MUSTER_DATA" default:"data" help:"Folder of the embedded database and the key file (default: ${default})." placeholder:"DIR"`
	Database secret.Text `env:"MUSTER_DATABASE_URL" help:"PostgreSQL address; without it the embedded SQLite in the data folder is used." placeholder:"URL"`
	KeyFile  string      `env:"MUSTER_KEY_FILE" help:"File with the key that seals secrets in the database (default: key in the data folder; made at the first start)." placeholder:"FILE"`
}

// SQLitePath is the database file inside the data folder.
func (s Store) SQLitePath() string { return filepath.Join(s.Data, "muster.db") }

// KeyPath is the key file.
func (s Store) KeyPath() string {
	if s.KeyFile != "" {
		return s.KeyFile
	}
	return filepath.Join(s.Data, "key")
}

// Reach says where probes may go. It is shared by every command that sends them.
type Reach struct {
	ProbeNetworks []string `env:"MUSTER_PROBE_NETWORKS" help:"Networks besides public addresses that probes may visit; cloud metadata stays closed whatever stands here (default: none)." placeholder:"CIDR"`
}

// Check refuses what is no network.
func (r Reach) Check() error {
	for _, p := range r.ProbeNetworks {
		if _, err := netip.ParsePrefix(p); err != nil {
			return fmt.Errorf("the probe network %q is not a network such as 10.0.0.0/8", p)
		}
	}
	return nil
}

// Allow gives the networks that probes may visit besides public addresses.
func (r Reach) Allow() []netip.Prefix {
	var allow []netip.Prefix
	for _, p := range r.ProbeNetworks {
		if prefix, err := netip.ParsePrefix(p); err == nil { // Check has looked at them
			allow = append(allow, prefix)
		}
	}
	return allow
}

// Config is what `muster serve` needs.
type Config struct {
	Store
	Reach
	Addr           string   `env:"MUSTER_ADDR" default:"127.0.0.1:8080" help:"Address to listen on (default: ${default})." placeholder:"HOST:PORT"`
	BaseURL        string   `env:"MUSTER_BASE_URL" help:"Address that people type; links are made from it (default: http and the address it listens on). Must be https unless it is this machine." placeholder:"URL"`
	TrustedProxies []string `env:"MUSTER_TRUSTED_PROXIES" help:"Networks of reverse proxies whose X-Forwarded-For is believed (default: none)." placeholder:"CIDR"`
	LogFormat      string   `env:"MUSTER_LOG_FORMAT" enum:"text,json" default:"text" help:"text or json (default: ${default})."`
	Workers        int      `env:"MUSTER_WORKERS" default:"4" help:"Jobs that this process does at the same time (default: ${default})."`
	NoWorkers      bool     `env:"MUSTER_NO_WORKERS" help:"Serve pages only; another process runs the jobs (default: off)."`
}

// Validate checks what belongs together and fills what follows from the rest.
func (c *Config) Validate() error {
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return fmt.Errorf("the address %q is not HOST:PORT", c.Addr)
	}
	if c.BaseURL == "" {
		if host == "" || host == "0.0.0.0" || host == "::" {
			host = "localhost"
		}
		c.BaseURL = "http://" + net.JoinHostPort(host, port)
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	if err := checkBase(c.BaseURL); err != nil {
		return err
	}
	if err := CheckWorkers(c.Workers); err != nil {
		return err
	}
	for _, p := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(p); err != nil {
			return fmt.Errorf("the trusted proxy %q is not a network such as 10.0.0.0/8", p)
		}
	}
	return c.Reach.Check()
}

// MaxWorkers is the most jobs at the same time that one process takes; more work needs more processes.
const MaxWorkers = 64

// CheckWorkers checks a number of workers; 0 is the usual.
func CheckWorkers(n int) error {
	if n < 0 || n > MaxWorkers {
		return fmt.Errorf("the number of workers is from 1 to %d", MaxWorkers)
	}
	return nil
}

func checkBase(base string) error {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.Path != "" {
		return fmt.Errorf("the base address %q is not like https://muster.example.com", base)
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return errors.New("the base address must be https, because sign-in cookies travel only over TLS; plain http is for this machine alone. Set MUSTER_BASE_URL")
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// Secure reports whether cookies may demand TLS.
func (c *Config) Secure() bool { return strings.HasPrefix(c.BaseURL, "https://") }
