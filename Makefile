# Passfail: set-up, build, tests. Each target installs what it lacks; with everything there, none needs the network.
# The work is done by the scripts in deploy/, which say more.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/passfail
GO := deploy/env.sh go

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: setup-run compile ## set up, build, and run the station (ARGS="..." go to passfail run)
	bin/passfail run $(ARGS)

.PHONY: test
test: setup-test ## set up and run every test (ARGS="..." go to go test)
	@deploy/test.sh $(ARGS)

.PHONY: build
build: setup-build compile ## set up and build bin/passfail

.PHONY: compile
compile:
	@deploy/build.sh

# What the following are built for. A Raspberry Pi OS follows the Debian of its number: 12 is bookworm, 13 trixie.
RELEASE ?= bookworm
ARCH ?= arm64

.PHONY: build-arm64
build-arm64: ## build for the Pi, here or there: dist/RELEASE-arm64 (RELEASE=bookworm or trixie)
	@deploy/setup.sh cross arm64 $(RELEASE)
	@deploy/build.sh arm64 $(RELEASE)

.PHONY: cross-test
cross-test: ## test what build-arm64 builds: it runs (under qemu), and two builds are the same (RELEASE=, ARCH=amd64)
	@deploy/setup.sh cross $(ARCH) $(RELEASE)
	@deploy/build.sh $(ARCH) $(RELEASE)
	@deploy/cross-test.sh $(ARCH) $(RELEASE)

.PHONY: deb
deb: ## make the Debian package for the Pi: dist/RELEASE-ARCH/passfail_….deb (RELEASE=, ARCH=amd64)
	@deploy/setup.sh cross $(ARCH) $(RELEASE)
	@deploy/build.sh $(ARCH) $(RELEASE)
	@deploy/deb.sh $(ARCH) $(RELEASE)

.PHONY: deb-test
deb-test: ## test this machine's package and its service in a clean system of each release (as root; RELEASE=…: of one)
	@deploy/packages.sh mmdebstrap debian-archive-keyring util-linux systemd-container
	@for release in $(if $(filter command line,$(origin RELEASE)),$(RELEASE),bookworm trixie); do \
	  $(MAKE) --no-print-directory deb ARCH=$$(dpkg --print-architecture) RELEASE=$$release; \
	  deploy/deb-test.sh $$release; \
	  deploy/service-test.sh $$release; \
	done

STATION ?= station.toml
OUT ?= dist/$(RELEASE)-arm64/$(basename $(notdir $(STATION))).img

.PHONY: image
image: ## make the image of a station's SD card (as root; STATION=station.toml, RELEASE=, OUT=)
	@deploy/setup.sh cross arm64 $(RELEASE)
	@deploy/setup.sh image
	@deploy/image/image.sh --check "$(STATION)"
	@deploy/build.sh arm64 $(RELEASE)
	@deploy/deb.sh arm64 $(RELEASE)
	@deploy/image/image.sh $(RELEASE) "$(STATION)" "$(OUT)"

.PHONY: image-test
image-test: ## test the image of an SD card, without starting it (as root; RELEASE=)
	@deploy/setup.sh cross arm64 $(RELEASE)
	@deploy/setup.sh image
	@deploy/packages.sh lz4 cpio openssh-client
	@deploy/build.sh arm64 $(RELEASE)
	@deploy/deb.sh arm64 $(RELEASE)
	@deploy/image/image-test.sh $(RELEASE)

.PHONY: e2e
e2e: ## boot the card's image in an emulated Raspberry Pi, and test it there from outside (RELEASE=; ARGS="-short": fewer checks)
	@deploy/setup.sh cross arm64 $(RELEASE)
	@deploy/setup.sh image
	@deploy/setup.sh e2e
	@deploy/build.sh arm64 $(RELEASE)
	@deploy/deb.sh arm64 $(RELEASE) >/dev/null
	@$(GO) run ./deploy/e2e -release $(RELEASE) $(ARGS)

.PHONY: flash
flash: ## onto a card: DEVICE=/dev/sdX (IMAGE=FILE.img, STATION=); or a station that runs: HOST=pi@station.local (DEB=)
	@$(if $(HOST),deploy/flash/host.sh "$(HOST)",RELEASE="$(RELEASE)" STATION="$(STATION)" OUT="$(OUT)" deploy/flash/device.sh $(DEVICE))

.PHONY: flash-test
flash-test: flash-releases = $(if $(filter command line,$(origin RELEASE)),$(RELEASE),bookworm trixie)
flash-test: ## test make flash: on loop devices, and on a system in a container of each release (as root; RELEASE=…: of one)
	@deploy/packages.sh mmdebstrap debian-archive-keyring util-linux systemd-container openssh-client iproute2 e2fsprogs
	@for release in $(flash-releases); do $(MAKE) --no-print-directory deb ARCH=$$(dpkg --print-architecture) RELEASE=$$release; done
	@deploy/flash/test.sh $(flash-releases)

.PHONY: setup
setup: setup-build ## install what building needs, and no more

setup-%:
	@deploy/setup.sh $*

.PHONY: env
env: ## print the exports with which go works by hand: eval "$(make -s env)"
	@deploy/env.sh

.PHONY: lint
lint: setup-lint ## gofmt, go vet, staticcheck, shellcheck
	@deploy/lint.sh

.PHONY: format
format: setup-build ## let gofmt rewrite what is not formatted
	deploy/env.sh gofmt -w .

.PHONY: schema
schema: setup-build ## generate the code that reads and writes .tflite from model/graph/schema
	@deploy/schema.sh

.PHONY: bench
bench: build ## Go's benchmarks, then the station's own on a model
	$(GO) test -run '^$$' -bench . -benchmem ./...
	bin/passfail bench

.PHONY: elpv
elpv: build ## measure on ELPV, a public data set of solar cells
	data=$$(deploy/elpv.sh) && $(GO) run ./cmd/elpv -data "$$data" $(ARGS)

.PHONY: demo-model
demo-model: build ## teach the demo's model on generated pictures of parts, anew
	$(GO) run ./demo/train $(ARGS)

.PHONY: bench-python
bench-python: build ## the station against the usual Python loop, in turn
	venv=$$(deploy/venv.sh peer bench/peer/requirements.txt) && "$$venv/bin/python" bench/peer/peer.py $(ARGS)

.PHONY: bench-keras
bench-keras: build ## training against the tutorials' Keras recipe, in turn (downloads 1.8 GB the first time; ARGS="--more")
	venv=$$(deploy/venv.sh convert model/convert/requirements.txt) && \
	elpv=$(wildcard $(CACHE)/elpv-1.0.0.post1) && \
	"$$venv/bin/python" bench/peer/keras_compare.py $${elpv:+--elpv "$$elpv"} $(ARGS)

.PHONY: golden
golden: build ## make model/testdata anew, with what Python's LiteRT says of it
	venv=$$(deploy/venv.sh golden model/testdata/requirements.txt) && "$$venv/bin/python" model/testdata/make.py

.PHONY: convert-test
convert-test: ## test the conversion of base networks (Python; downloads 1.8 GB the first time)
	venv=$$(deploy/venv.sh convert model/convert/requirements.txt) && "$$venv/bin/python" -m pytest model/convert $(ARGS)

.PHONY: interop-test
interop-test: build ## test models against Python: others run ours, we run others' (downloads as convert-test)
	venv=$$(deploy/venv.sh convert model/convert/requirements.txt) && "$$venv/bin/python" -m pytest model/interop $(ARGS)

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist

.PHONY: distclean
distclean: clean ## remove also what was fetched into the cache
	rm -rf $(CACHE)
