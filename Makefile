# vpnd. As root on a fresh Debian machine: make demo, make test.

VERSION  ?= $(shell sed -n 's/^## \[\([0-9][^]]*\)\].*/\1/p' CHANGELOG.md | head -n 1)
PREFIX   ?= /usr
DESTDIR  ?=
UNITDIR  ?= $(PREFIX)/lib/systemd/system
BIN      ?= bin/vpnd
DIST     ?= dist
FUZZTIME ?= 30s

# When the sources were last changed: the only clock that a package may show.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)

DEB = $(DIST)/vpnd_$(VERSION)-1_$(shell dpkg --print-architecture).deb

GOFUMPT     = mvdan.cc/gofumpt@v0.12.0
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
LINTIAN     = lintian --fail-on warning --info

# Where .ci/deps puts a Go toolchain on a machine whose own is too old.
export PATH := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/vpnd/go/bin:$(PATH)
# Webhooks and scrapes are small: HTTP/1.1 does for them, and HTTP/2 is half a megabyte.
export GOFLAGS := -buildvcs=false -tags=nethttpomithttp2

LDFLAGS = -s -w -X vpnd/internal/cli.Version=$(VERSION)

.PHONY: build test test-kernel demo lint bench fuzz install deb deps clean

build: $(BIN)

# Go knows better than make what is up to date.
.PHONY: $(BIN)
$(BIN):
	@.ci/deps build
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/vpnd

# System tests boot hosts and share two cores, so few packages run at a time.
test:
	@.ci/deps build test package
	@test "$$(id -u)" = 0 || echo "test: without root, tests that need namespaces or lab hosts are left out; each is named below"
	@echo "test: tests called TestDebianKernel… need Debian's own kernel and are left to make test-kernel"
	go test -count=1 -p 2 -timeout 38m $(if $(filter 0,$(shell id -u)),,-v) ./...

# Tunnels over Debian's own kernel, in a machine that is booted for it.
test-kernel: build
	@.ci/deps kernel
	go run ./internal/lab/kernel -vpnd $(BIN)

demo: build
	@.ci/deps test
	go run ./internal/lab/demo -vpnd $(BIN)

lint:
	@.ci/deps build package
	@unformatted=$$(go run $(GOFUMPT) -l .) && test -z "$$unformatted" || { echo "lint: gofumpt would change: $$unformatted"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	go test -count=1 ./internal
	mandoc -T lint -W warning packaging/*.[58]

bench: build
	@.ci/deps test bench
	go run ./internal/lab/bench -vpnd $(BIN)

fuzz:
	@.ci/deps build
	go test -run '^$$' -fuzz FuzzLoad -fuzztime $(FUZZTIME) ./internal/config
	go test -run '^$$' -fuzz FuzzRead -fuzztime $(FUZZTIME) -fuzzminimizetime 10x ./internal/vpn/aws/document
	go test -count=1 -run 'TestGeneratedConfigurations$$' ./internal/system -seed 0

install: build
	$(put) -m 0755 $(BIN) $(DESTDIR)$(PREFIX)/sbin/vpnd
	$(put) -m 0644 -t $(DESTDIR)$(UNITDIR) $(wildcard packaging/*.service)
	$(put) -m 0644 packaging/vpnd.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/vpnd.conf
	$(put) -m 0644 -t $(DESTDIR)$(PREFIX)/share/man/man8 packaging/vpnd.8
	$(BIN) explain --manual | sed -e '/^\.\\" @BLOCKS@$$/{r /dev/stdin' -e 'd' -e '}' packaging/vpnd.hcl.5 | ($(put) -m 0644 /dev/stdin $(DESTDIR)$(PREFIX)/share/man/man5/vpnd.hcl.5)
	for file in $(wildcard examples/*/*.hcl examples/*/*.xml examples/*/*.ovpn examples/*/*.crt examples/*/*.key); do \
		$(put) -m 0644 $$file $(DESTDIR)$(PREFIX)/share/doc/vpnd/$$file || exit; done
	$(call completion,bash,bash-completion/completions/vpnd)
	$(call completion,zsh,zsh/vendor-completions/_vpnd)
	$(call completion,fish,fish/vendor_completions.d/vpnd.fish)

# Directories that are made on the way are for all to read, whatever the umask.
put = umask 022 && install -D

# The program writes its own completions: $(call completion,SHELL,FILE).
completion = $(BIN) completion $(1) | ($(put) -m 0644 /dev/stdin $(DESTDIR)$(PREFIX)/share/$(2))

# The same commit and version give the same bytes.
deb:
	@.ci/deps package
	rm -rf $(DIST)/deb
	$(MAKE) install DESTDIR=$(DIST)/deb PREFIX=/usr
	packaging/deb.sh $(DIST)/deb $(VERSION) $(DEB)
	rm -rf $(DIST)/deb
	$(LINTIAN) $(DEB)

deps:
	.ci/deps build test kernel bench package

clean:
	rm -rf bin dist
