.DEFAULT_GOAL := help
export CGO_ENABLED ?= 0
ARGS ?=
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build and serve on 127.0.0.1:8080 with the embedded database in ./data
	@exec bin/muster serve $(ARGS)

build: ## build bin/muster
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/muster ./cmd/muster

test: ## run every test, installing what it needs when it may
	@.ci/needs
	go test -timeout 20m ./...

check: ## format, vet, static analysis, generated code, modules, known vulnerabilities
	@test -z "$$(gofmt -l cmd internal migrations static views | tee /dev/stderr)" || { echo "run gofmt on the files above"; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	@.ci/generated
	@go mod tidy -diff
	@.ci/vuln

generate: ## write the generated code and the schema pages again
	@.ci/generate

e2e: ## the browser tests alone
	@.ci/needs
	go test -count=1 -timeout 20m ./internal/e2e

race: ## the tests under the race detector (needs a C compiler)
	@.ci/needs
	CGO_ENABLED=1 go test -race -timeout 40m $$(go list ./... | grep -v -e internal/e2e)

bench: ## benchmarks against their limits, the binary's size, start and memory
	go test -run '^$$' -bench . -benchmem -benchtime 3x ./...
	@.ci/weigh

torture: ## ten minutes of killed replicas, and 300 kills in the middle of imports, on both engines
	@.ci/needs
	MUSTER_TORTURE=$${MUSTER_TORTURE:-10m} go test -count=1 -timeout 30m -v -run TestTorture ./internal/jobs
	MUSTER_KILLS=$${MUSTER_KILLS:-300} go test -count=1 -timeout 60m -v -run TestImportsSurviveKill9 ./internal/house

conformance: ## score the importers against the collected real systems (MUSTER_TESTDATA)
	@go build -o bin/conformance ./internal/conformance && bin/conformance # go run would turn every exit code into 1

probe-accuracy: ## compare probes with sslscan and testssl.sh on real servers
	@.ci/probe-accuracy

.PHONY: help run build test check generate e2e race bench torture conformance probe-accuracy
