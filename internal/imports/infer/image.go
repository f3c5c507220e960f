// Package infer reads meaning out of the strings that every kind of manifest shares: images, hosts and secrets.
package infer

import (
	"path"
	"regexp"
	"strings"

	"muster/internal/imports/model"
)

// Pin says how exactly an image reference names an image. A registry's port is not a tag.
func Pin(image string) model.ImagePin {
	switch _, tag, digest := splitImage(image); {
	case image == "":
		return model.PinNone
	case digest != "":
		return model.PinDigest
	case tag == "" || moving(tag):
		return model.PinMoving
	}
	return model.PinTag
}

var latestWord = regexp.MustCompile(`(^|[^a-z0-9])latest($|[^a-z0-9])`)

// moving reports whether a tag is "latest", also in disguise: latest-alpine.
func moving(tag string) bool { return latestWord.MatchString(strings.ToLower(tag)) }

// Family reports whether an image's tag names a line of versions and not one of them: alpine, stable. It moves as
// latest does, only more slowly. What a variable decides is not known.
func Family(image string) bool {
	_, tag, digest := splitImage(image)
	return digest == "" && tag != "" && !strings.ContainsAny(tag, "0123456789${}")
}

func splitImage(image string) (name, tag, digest string) {
	name, digest, _ = strings.Cut(image, "@")
	slash := strings.LastIndexByte(name, '/')
	if colon := strings.LastIndexByte(name, ':'); colon > slash {
		name, tag = name[:colon], name[colon+1:]
	}
	return name, tag, digest
}

// Worst gives the worse of two pins.
func Worst(a, b model.ImagePin) model.ImagePin {
	rank := map[model.ImagePin]int{model.PinMoving: 0, model.PinNone: 1, model.PinTag: 2, model.PinDigest: 3}
	if rank[a] <= rank[b] {
		return a
	}
	return b
}

// datastores maps the last part of an image's name to what it is; most specific first where one begins with another.
var datastores = regexp.MustCompile(`^(postgres(?:ql)?|postgis|timescaledb|pgvector|mysql(?:db)?|mariadb|percona|mongo(?:db)?|redis(?:-stack)?|valkey|keydb|dragonfly|memcached|rabbitmq|kafka|redpanda|zookeeper|nats|activemq|artemis|pulsar|mosquitto|elasticsearch|opensearch|solr|meilisearch|typesense|qdrant|weaviate|milvus|cassandra|scylla|couchdb|couchbase|cockroach(?:db)?|clickhouse|influxdb|neo4j|arangodb|etcd|minio|mssql|dynamodb-local|yugabyte|tidb|questdb|rethinkdb|rqlite|surrealdb|spilo|oracle-(?:xe|free|db|database)|oracle$)`)

var notDatastores = regexp.MustCompile(`exporter|operator|admin|express|dashboards?$|-ui$|ui-|connect|proxy|backup|client|gui|commander|insight|-meta|manager|rest|-init|seed|migrat|reaper|sidecar|reload|registry`)

// Datastore tells whether an image or a name is a database, cache, broker or search engine, and which.
// A "-db" name with an unknown image is a datastore of kind "database".
func Datastore(name string, images []string) (bool, string) {
	for _, image := range images {
		full, _, _ := splitImage(image)
		base := strings.ToLower(path.Base(full))
		base = strings.TrimPrefix(strings.TrimPrefix(base, "examples-bookinfo-"), "cp-")
		if kind := datastores.FindString(base); kind != "" && !notDatastores.MatchString(base) {
			return true, kind
		}
		if full == "mcr.microsoft.com/mssql/server" {
			return true, "mssql"
		}
	}
	if lower := strings.ToLower(name); strings.HasSuffix(lower, "-db") || strings.HasSuffix(lower, "_db") || strings.HasSuffix(lower, "-database") {
		return true, "database"
	}
	return false, ""
}

var kindWords = regexp.MustCompile(`(?:^|[-_/])(mongodb|mysqldb|postgres(?:ql)?)(?:$|[-_:])`)

// DatastoreByImageWord finds a database's name inside a longer image name ("examples-ratings-mysqldb").
func DatastoreByImageWord(images []string) string {
	for _, image := range images {
		full, _, _ := splitImage(image)
		if m := kindWords.FindStringSubmatch(strings.ToLower(path.Base(full))); m != nil && strings.HasSuffix(strings.ToLower(path.Base(full)), m[1]) {
			return m[1]
		}
	}
	return ""
}

var languages = []struct{ word, language string }{
	{"openjdk", "Java"}, {"temurin", "Java"}, {"tomcat", "Java"}, {"spring", "Java"}, {"golang", "Go"}, {"python", "Python"},
	{"node", "Node.js"}, {"ruby", "Ruby"}, {"php", "PHP"}, {"dotnet", "C#"}, {"aspnet", "C#"}, {"rust", "Rust"}, {"elixir", "Elixir"},
}

// Language guesses from an image's name; nil when it says nothing.
func Language(images []string) *string {
	for _, image := range images {
		full, _, _ := splitImage(image)
		for _, l := range languages {
			if base := path.Base(full); base == l.word || strings.HasPrefix(base, l.word+"-") {
				return &l.language
			}
		}
	}
	return nil
}

var telemetry = regexp.MustCompile(`(^|[-_/])(otel|otelcol|opentelemetry|jaeger|zipkin|prometheus|grafana|loki|tempo|mimir|fluentd|fluent-bit|fluentbit|logstash|datadog|dd-agent|statsd|telegraf|alertmanager|pushgateway|opamp|node-exporter|cadvisor|kiali|collector|skywalking|signoz)($|[-_:.])`)

// Telemetry reports whether a name is that of a collector of traces, metrics or logs.
func Telemetry(name string) bool { return telemetry.MatchString(strings.ToLower(name)) }
