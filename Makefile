.DEFAULT_GOAL := help
export CGO_ENABLED ?= 0
ARGS ?=
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | column -t -s "$$(printf '\t')"

build: ## build bin/muster
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/muster ./cmd/muster

test: ## run every test, installing what it needs when it may
	@.ci/needs
	go test ./...

check: ## format, vet, static analysis, generated code
	@test -z "$$(gofmt -l cmd internal migrations | tee /dev/stderr)" || { echo "run gofmt on the files above"; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	@.ci/generated

generate: ## write the generated code again
	@.ci/generate

race: ## the tests under the race detector (needs a C compiler)
	@.ci/needs
	CGO_ENABLED=1 go test -race ./...

bench: ## benchmarks
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: help build test check generate race bench
