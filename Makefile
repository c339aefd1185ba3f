# vpnd. As root on a fresh Debian machine: make demo, make test.

VERSION  ?= $(shell sed -n 's/^## \[\([0-9][^]]*\)\].*/\1/p' CHANGELOG.md | head -n 1)
PREFIX   ?= /usr
DESTDIR  ?=
FUZZTIME ?= 30s

GOFUMPT     = mvdan.cc/gofumpt@v0.12.0
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

# Where .ci/deps puts a Go toolchain on a machine whose own is too old.
export PATH := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/vpnd/go/bin:$(PATH)
export GOFLAGS := -buildvcs=false

LDFLAGS = -s -w -X vpnd/internal/cli.Version=$(VERSION)

.PHONY: build test demo lint bench fuzz install deps clean

build: bin/vpnd

# Go knows better than make what is up to date.
.PHONY: bin/vpnd
bin/vpnd:
	@.ci/deps build
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/vpnd

# System tests boot hosts and share two cores, so few packages run at a time.
test:
	@.ci/deps build test
	@test "$$(id -u)" = 0 || echo "test: without root, tests that need namespaces or lab hosts are left out; each is named below"
	go test -count=1 -p 2 -timeout 25m $(if $(filter 0,$(shell id -u)),,-v) ./...

demo: build
	@.ci/deps test
	go run ./internal/lab/demo -vpnd bin/vpnd

lint:
	@.ci/deps build
	@unformatted=$$(go run $(GOFUMPT) -l .) && test -z "$$unformatted" || { echo "lint: gofumpt would change: $$unformatted"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	go test -count=1 ./internal

bench: build
	@.ci/deps test bench
	go run ./internal/lab/bench -vpnd bin/vpnd

fuzz:
	@.ci/deps build
	go test -run '^$$' -fuzz FuzzLoad -fuzztime $(FUZZTIME) ./internal/config

install: build
	install -D -m 0755 bin/vpnd $(DESTDIR)$(PREFIX)/sbin/vpnd
	install -D -m 0644 packaging/vpnd.8 $(DESTDIR)$(PREFIX)/share/man/man8/vpnd.8
	install -D -m 0644 packaging/vpnd.hcl.5 $(DESTDIR)$(PREFIX)/share/man/man5/vpnd.hcl.5

deps:
	.ci/deps build test bench

clean:
	rm -rf bin dist
