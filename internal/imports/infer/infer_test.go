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
		"redis:alpine":                        model.PinTag,
		"shop/ads:latest-ads":                 model.PinMoving,
		"mssql/server:2019-latest":            model.PinMoving,
		"shop/web:stable":                     model.PinTag,
		"redis:7-alpine":                      model.PinTag,
		"shop/web:${TAG}":                     model.PinTag,
		"host:5000/redis:latest@sha256:aaaa":  model.PinDigest,
	}
	for image, want := range tests {
		if got := Pin(image); got != want {
			t.Errorf("%q: got %s, want %s", image, got, want)
		}
	}
}

func TestFamily(t *testing.T) {
	t.Parallel()
	for image, want := range map[string]bool{"redis:alpine": true, "shop/web:stable": true, "redis:7-alpine": false, "shop/web:${TAG}": false, "redis": false, "redis:alpine@sha256:aaaa": false} {
		if got := Family(image); got != want {
			t.Errorf("%q: got %v", image, got)
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
		{"a name with underscores", "DB_HOST", "my_db", []Host{{Name: "my_db"}}},
		{"a connection that is only a name", "EventBusConnection", "rabbitmq", []Host{{Name: "rabbitmq"}}},
		{"a compound word under a key of no hosts", "CATALOG", "catalog-api", []Host{{Name: "catalog-api", Weak: true}}},
		{"a group's name is no host", "KAFKA_GROUP_ID", "order-service", nil},
		{"a database's name is no host", "POSTGRES_DB", "accounts-db", nil},
		{"who may ask is no host", "ALLOWED_HOSTS", "web,localhost", nil},
		{"where browsers come from is no host", "CORS_ORIGIN", "http://web:3000", nil},
		{"what it says of itself is no host", "KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://kafka:9092", nil},
		{"an image is no host", "BASE_IMAGE", "postgres:16", nil},
		{"an image under any key is no host", "FROM", "postgres:16", nil},
		{"SQL Server with a protocol", "ConnectionString", "Server=tcp:sqldata,1433;Database=x", []Host{{Name: "sqldata", Port: 1433}}},
		{"JDBC of SQL Server", "URL", "jdbc:sqlserver://sqldata;databaseName=x", []Host{{Name: "sqldata", Scheme: "sqlserver"}}},
		{"JDBC of Oracle", "URL", "jdbc:oracle:thin:@ora:1521:xe", []Host{{Name: "ora", Port: 1521}}},
		{"a resolver of gRPC", "TARGET", "dns:///cart:7070", []Host{{Name: "cart", Port: 7070, Scheme: "dns"}}},
		{"a file of SQLite", "DATABASE_URL", "sqlite:///db.sqlite", nil},
		{"a quorum", "VOTERS", "0@k-0:9093,1@k-1:9093", []Host{{Name: "k-0", Port: 9093}, {Name: "k-1", Port: 9093}}},
		{"an ensemble", "ZOO_SERVERS", "server.1=z1:2888:3888;2181", []Host{{Name: "z1", Port: 2888}}},
		{"a queue without a password", "CELERY_BROKER", "redis://:@redis:6379/0", []Host{{Name: "redis", Port: 6379, Scheme: "redis"}}},
		{"a configuration in Ruby", "OMNIBUS", "gitlab_rails['redis_host'] = \"cache\"", []Host{{Name: "cache"}}},
		{"a configuration in JSON", "CONFIG", `{"host": "mongo", "port": 27017}`, []Host{{Name: "mongo"}}},
		{"a network with a password in it", "NATS", "nats://a:b@n1:4222,nats://n2:4222", []Host{{Name: "n1", Port: 4222, Scheme: "nats"}, {Name: "n2", Port: 4222, Scheme: "nats"}}},
		{"the host of the engine", "URL", "http://host.docker.internal:80", nil},
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
		{"a default that stands in the file", "DB_PASSWORD", "${PW:-hunter2}", true},
		{"a default that is empty", "DB_PASSWORD", "${PW:-}", false},
		{"a default inside an address", "DATABASE_URL", "postgres://${U:-app}:${PW:-hunter2}@db/x", true},
		{"an address of variables with a default name", "DATABASE_URL", "postgres://${U:-app}:${PW}@db/x", false},
		{"a default of a default", "DB_PASSWORD", "${PW:-${OTHER:-hunter2}}", true},
		{"a variable that must be set", "DB_PASSWORD", "${PW:?set it}", false},
		{"a password of a dialer", "DSN", "root:hunter2@tcp(db:3306)/x", true},
		{"a Java option", "JAVA_OPTS", "-Xmx1g -Ddb.password=hunter2", true},
		{"a password after a variable one", "X", "password=${A};pwd=hunter2", true},
		{"an address of tokens", "TOKEN_ENDPOINT", "http://idp/token", false},
		{"an address under a token's name", "AUTH_TOKEN", "http://idp/token", false},
		{"a converter of keys", "CONNECT_KEY_CONVERTER", "org.apache.kafka.connect.json.JsonConverter", false},
		{"a duration", "JWT_TOKEN_LIFE", "15m", false},
		{"an encrypted value", "DB_PASSWORD", "ENC(abc)", false},
		{"a secret of another place", "DB_PASSWORD", "vault:secret/data/db#pw", false},
		{"camel case", "dbPassword", "hunter2", true},
		{"an empty password in an address", "BROKER", "redis://:@redis:6379/0", false},
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

func TestCommandHosts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		words []string
		want  []Host
	}{
		"a bare word":                    {[]string{"frontend"}, nil},
		"a host and port":                {[]string{"--cart=cart:80"}, []Host{{Name: "cart", Port: 80}}},
		"a flag and its value":           {[]string{"--redis-host", "cache"}, []Host{{Name: "cache"}}},
		"a flag with its value":          {[]string{"--redis-host=cache"}, []Host{{Name: "cache"}}},
		"a flag of something else":       {[]string{"--config", "cache"}, nil},
		"a flag before a flag":           {[]string{"--server", "--cart-x"}, nil},
		"a wait in a script":             {[]string{"sh", "-c", "until nc -z -w 2 mq 5672; do sleep 1; done"}, []Host{{Name: "mq", Port: 5672}}},
		"a wait in words":                {[]string{"nc", "-z", "mq", "5672"}, []Host{{Name: "mq", Port: 5672}}},
		"a database's own wait":          {[]string{"sh", "-c", "until pg_isready -h db -p 5432; do sleep 1; done"}, []Host{{Name: "db"}}},
		"a name that must resolve":       {[]string{"sh", "-c", "until nslookup cart.shop.svc.cluster.local; do sleep 2; done"}, []Host{{Name: "cart.shop.svc.cluster.local"}}},
		"a replica":                      {[]string{"redis-server --replicaof main 6379"}, []Host{{Name: "main"}}},
		"a file of the shell that dials": {[]string{"bash", "-c", "until (: < /dev/tcp/mq/5672); do :; done"}, []Host{{Name: "mq"}}},
		"what is only printed":           {[]string{"sh", "-c", "echo see https://docs.example/x; nc -z mq 5672"}, []Host{{Name: "mq", Port: 5672}}},
		"its own address":                {[]string{"--listen", "0.0.0.0:80"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := CommandHosts(c.words); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestProxies(t *testing.T) {
	t.Parallel()
	for image, want := range map[string][2]bool{
		"traefik:v3": {true, true}, "nginx": {false, true}, "nginx/nginx-ingress:3": {true, false}, "registry.k8s.io/ingress-nginx/controller:v1": {true, false},
		"nginx/nginx-prometheus-exporter:1": {false, false}, "envoyproxy/envoy:v1": {false, true}, "shop/web": {false, false}, "caddy:2": {false, true},
	} {
		if got := [2]bool{EdgeProxy(image), ReverseProxy(image)}; got != want {
			t.Errorf("%s: %v", image, got)
		}
	}
}
