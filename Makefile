# patchbay. `make` lists the targets.
.DEFAULT_GOAL := help
SHELL := bash
STEPS := $(notdir $(wildcard steps/*))
TOOLS := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/patchbay/tools
GOLANGCI := $(TOOLS)/golangci-lint-v2.15.0
GOVULNCHECK := $(TOOLS)/govulncheck-v1.9.0
GORELEASER := $(TOOLS)/goreleaser-v2.15.1
export CGO_ENABLED ?= 0

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## static binaries of all steps into bin/
	go build -trimpath -buildvcs=auto -ldflags '-s -w' -o bin/ ./steps/...

deps: deps-test ## install what the servers of demo and tests need (apt, as root)

deps-%:
	./.ci/deps $*

demo: deps-demo build ## a registry, a Gerrit and a PostgreSQL; seven patch sets with their databases and votes (KEEP=1 leaves them running)
	go run ./internal/lab/cmd/demo

test: deps ## everything a change must pass
	go vet ./...
	CGO_ENABLED=1 go test -race -shuffle=on -timeout 20m ./... ; status=$$?; go run ./internal/lab/cmd/lab stop; exit $$status

test-long: deps ## what takes longer than `make test` may
	CGO_ENABLED=1 go test -race -shuffle=on -timeout 3h -tags long ./... ; status=$$?; go run ./internal/lab/cmd/lab stop; exit $$status

lint: $(GOLANGCI) ## format, linters, tidy go.mod
	$(GOLANGCI) run --allow-parallel-runners ./...
	$(GOLANGCI) fmt --diff ./...
	go mod tidy -diff

vulncheck: $(GOVULNCHECK) ## known vulnerabilities (needs the vulnerability database online)
	$(GOVULNCHECK) ./...

bench: deps-bench build ## speed, as ratios against two stock Liquibase runs
	go run ./internal/lab/cmd/bench

demo-assets: deps-assets build ## two real Supersets: export, plan, sync, repair, diff, rollback
	go run ./internal/lab/cmd/demoassets ; status=$$?; go run ./internal/lab/cmd/lab stop; exit $$status

bench-assets: deps-assets build ## speed of asset-sync, beside superset-cli and Superset's raw endpoints (two real Supersets; FULL=1: 600 charts, six minutes; OWN=1: asset-sync alone; CHARTS=1000: the size)
	go run ./internal/lab/cmd/benchassets $(if $(FULL),--charts=600) $(if $(CHARTS),--charts=$(CHARTS)) $(if $(OWN),--own) ; status=$$?; go run ./internal/lab/cmd/lab stop; exit $$status

snapshot: $(GORELEASER) ## the archives of a release with their checksums into dist/, and the image where there is a docker
	$(GORELEASER) release --snapshot --clean --skip=publish$$(docker version >/dev/null 2>&1 || echo ,docker)

load: deps-bench build ## 200 changes, 20 pipelines at once: throughput, deadlocks, leftovers (FLAGS="-engine liquibase")
	go run ./internal/lab/cmd/load $(FLAGS)

clean: ## remove what was built, stop the servers of the lab
	rm -rf bin dist
	go run ./internal/lab/cmd/lab stop

$(GOLANGCI):
	GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	mv $(TOOLS)/golangci-lint $@

$(GOVULNCHECK):
	GOBIN=$(TOOLS) go install golang.org/x/vuln/cmd/govulncheck@v1.9.0
	mv $(TOOLS)/govulncheck $@

$(GORELEASER):
	GOBIN=$(TOOLS) go install github.com/goreleaser/goreleaser/v2@v2.15.1
	mv $(TOOLS)/goreleaser $@

.PHONY: help build deps demo test test-long lint vulncheck bench bench-assets load demo-assets snapshot clean
