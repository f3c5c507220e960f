package infer

import (
	"reflect"
	"testing"

	"muster/internal/imports/model"
)

func TestPin(t *testing.T) {
	t.Parallel()
	tests := map[string]model.ImagePin{
		"":                                    model.PinNone,
		"redis":                               model.PinMoving,
		"redis:latest":                        model.PinMoving,
		"host:5000/redis":                     model.PinMoving,
		"host:5000/redis:7.2":                 model.PinTag,
		"redis:7.2@sha256:aaaa":               model.PinDigest,
		"ghcr.io/a/b@sha256:aaaa":             model.PinDigest,
		"registry.example/team/app:2024.01-1": model.PinTag,
	}
	for image, want := range tests {
		if got := Pin(image); got != want {
			t.Errorf("%q: got %s, want %s", image, got, want)
		}
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, key, value string
		want             []Host
	}{
		{"a host and port under any key", "CART", "cart:7070", []Host{{Name: "cart", Port: 7070}}},
		{"an address with a password", "DB", "mongodb://u:p@shop-db:27017/shop", []Host{{Name: "shop-db", Port: 27017, Scheme: "mongodb"}}},
		{"a driver's address", "SPRING_DATASOURCE_URL", "jdbc:postgresql://ledger-db:5432/x", []Host{{Name: "ledger-db", Port: 5432, Scheme: "postgresql"}}},
		{"a list of brokers", "KAFKA_BROKERS", "k1:9092,k2:9092", []Host{{Name: "k1", Port: 9092}, {Name: "k2", Port: 9092}}},
		{"a Go DSN", "DSN", "user:pw@tcp(mysql:3306)/shop", []Host{{Name: "mysql", Port: 3306}}},
		{"a pair DSN", "CONNECTION", "Host=pg;Username=a;Password=b", []Host{{Name: "pg"}}},
		{"a bare host under a host key", "REDIS_HOST", "cache", []Host{{Name: "cache"}}},
		{"a bare word under another key is no host", "MODE", "frontend", nil},
		{"a service name is no host", "OTEL_SERVICE_NAME", "frontend", nil},
		{"a user name is no host", "DB_USERNAME", "catalog", nil},
		{"this machine is no host", "BACKEND_URL", "http://localhost:80", nil},
		{"an address to listen on is no host", "LISTEN_ADDR", "frontend:80", nil},
		{"a number is no address", "X_HOST", "127.0.0.1", nil},
		{"a cluster name", "X", "pay.core.svc.cluster.local", []Host{{Name: "pay.core.svc.cluster.local"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Hosts(tt.key, tt.value); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestLiteralSecret(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, key, value string
		want             bool
	}{
		{"a password", "MYSQL_ROOT_PASSWORD", "hunter2", true},
		{"an address with a password", "DATABASE_URL", "postgres://u:hunter2@db/x", true},
		{"a connection string with a password", "CONNECTION", "host=db password=hunter2", true},
		{"a switch", "ALLOW_EMPTY_PASSWORD", "true", false},
		{"a number", "TOKEN_EXPIRY", "3600", false},
		{"a file", "JWT_KEY_PATH", "/keys/jwt", false},
		{"a path value", "API_KEY", "/run/secrets/key", false},
		{"a variable", "DB_PASSWORD", "$(DB_PW)", false},
		{"an unresolved variable", "DB_PASSWORD", "${DB_PW}", false},
		{"a password inside an address that is a variable", "DATABASE_URL", "postgres://u:${PW}@db/x", false},
		{"the name of a secret", "SECRET_NAME", "db-credentials", false},
		{"a word that only contains key", "MONKEY", "business", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := LiteralSecret(tt.key, tt.value); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestDatastore(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		images []string
		is     bool
		kind   string
	}{
		{"cache", []string{"redis:7"}, true, "redis"},
		{"metrics", []string{"oliver006/redis_exporter:v1"}, false, ""},
		{"orders-db", []string{"shop/orders-data:1"}, true, "database"},
		{"queue", []string{"docker.io/bitnami/kafka:3"}, true, "kafka"},
		{"web", []string{"shop/web:1"}, false, ""},
	}
	for _, tt := range tests {
		if is, kind := Datastore(tt.name, tt.images); is != tt.is || kind != tt.kind {
			t.Errorf("%s: got %v %q", tt.name, is, kind)
		}
	}
}
