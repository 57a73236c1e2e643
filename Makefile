# Each verb does what its name says; .ci/run calls them and nothing else.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

GO       ?= go
FUZZTIME ?= 10s
BENCH    ?= .
OUT      ?= $(CURDIR)/flotilla-out
SEEDS    ?= 5000
FIRST    ?= 1

.PHONY: build test race poll lint fuzz bench bench-all golden digest smoke large soak soak-planted interop-packages interop image container container-clean

build: ## the program, as bin/flotilla
	$(GO) build -o bin/flotilla ./cmd/flotilla

test: ## every test; needs Go alone
	$(GO) test ./...

POLL ?= 60s

poll: ## 1,000 clients ask a hub about jobs for POLL while 1,000 devices run them; wants the machine for itself
	FLOTILLA_POLL=$(POLL) $(GO) test -count=1 -timeout 20m -v -run '^TestPolling$$' ./cmd/flotilla

race: ## every test under the race detector; needs a C compiler
	CGO_ENABLED=1 $(GO) test -race -timeout 25m ./...

lint: ## format, vet (on two word sizes), modules as their checksums say
	@bad=$$(gofmt -l .); if [[ -n $$bad ]]; then echo "gofmt would change:"; echo "$$bad"; exit 1; fi
	$(GO) vet ./...
	GOARCH=386 CGO_ENABLED=0 $(GO) vet ./...
	$(GO) mod verify

fuzz: ## every fuzz target for FUZZTIME
	@$(GO) test -list '^Fuzz' ./... | \
	awk '/^Fuzz/ { name[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print $$2, name[i]; n = 0 }' | \
	while read -r package target; do \
		echo "fuzz $$package $$target $(FUZZTIME)"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "$$package" </dev/null; \
	done

# Where tests find libraries of other languages.
INTEROP := harness/record/testdata/interop

interop-packages: ## the libraries of other languages, as their lock file says; needs node and npm
	npm ci --prefix $(INTEROP) --no-audit --no-fund

interop: interop-packages ## what we write, read with those libraries
	FLOTILLA_REQUIRE=node $(GO) test -count=1 -run Interop ./harness/...

IMAGE ?= flotilla:dev

image: ## the program as a container image, IMAGE, from nothing but itself; needs a container engine
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; mkdir -m 700 "$$dir/data"; \
	CGO_ENABLED=0 GOOS=linux $(GO) build -trimpath -ldflags '-s -w' -o "$$dir/flotilla" ./cmd/flotilla; \
	DOCKER_BUILDKIT=0 docker build -q -t $(IMAGE) -f cmd/flotilla/Dockerfile "$$dir" 2>&1 | grep -v -e DEPRECATED -e BuildKit -e environment-variable -e '^$$'; \
	docker image inspect -f '{{.Size}} bytes' $(IMAGE)

container: ## tests of the hub in a container; needs a container engine
	FLOTILLA_REQUIRE=docker $(GO) test -count=1 ./harness/flotillatest/container

container-clean: ## what container tests leave behind when they are killed
	docker ps -aq -f label=org.testcontainers=true | xargs -r docker rm -fv
	docker network ls -q -f label=org.testcontainers=true | xargs -r docker network rm
	docker image rm -f flotilla:test >/dev/null 2>&1 || true

# One page of what this machine does, for benchstat: floors, then what is to be
# read beside them. COUNT times, so that benchstat can say what is noise.
COUNT ?= 1

bench: ## the figures that matter, beside two floors of the same run; in under 5 minutes
	@$(GO) test -run '^$$' -count $(COUNT) -benchtime 1s -bench '^Benchmark(Floor|RoundTrip|Connect|Neighbours)$$/^(channel|mem|tcp|stuck|deaf|flooding|half-close)$$' ./harness/hubd
	@$(GO) test -run '^$$' -count $(COUNT) -benchtime 1x -bench '^BenchmarkFleet$$/^(mem|tcp)$$' ./harness/hubd
	@$(GO) test -run '^$$' -count $(COUNT) -benchtime 1x -bench '^BenchmarkCampaign$$/^devices=10000$$' ./sim/world
	@$(GO) test -run '^$$' -count $(COUNT) -benchtime 1x -bench '^BenchmarkJob100k$$' ./sim/hub
	@$(GO) test -run '^$$' -count $(COUNT) -benchtime 0.3s -bench '^BenchmarkQuery(Scan|Indexed)$$/^(all|id|label)$$' ./sim/query

bench-all: ## every benchmark that matches BENCH
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

# Scenarios of 10,000 devices whose whole size the tests leave out.
LARGE := fleet-10k month-of-schedules

large: build ## scenarios of 10,000 devices in virtual time, whole, each twice: they meet what they expect, with one digest; results in OUT
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	for name in $(LARGE); do \
		for run in first again; do \
			bin/flotilla run $$name --virtual --quiet --out $(OUT)/$$name-$$run >"$$log" || { code=$$?; cat "$$log"; exit $$code; }; \
		done; \
		first=$$(grep '"digest"' $(OUT)/$$name-first/summary.json); second=$$(grep '"digest"' $(OUT)/$$name-again/summary.json); \
		[[ $$first == "$$second" ]] || { echo "$$name: one seed, two digests: $$first $$second"; exit 1; }; \
		echo "$$name:" $$(grep -h '"wallSeconds"' $(OUT)/$$name-*/summary.json) $$first; \
	done

soak: ## SEEDS random cases from FIRST in virtual time, each twice, judged; a failing one is made small
	$(GO) build -o bin/flotilla ./cmd/flotilla
	bin/flotilla soak --first $(FIRST) --seeds $(SEEDS)

soak-planted: ## bugs put in on purpose: each is found, made small, and found again by the command that is printed
	$(GO) build -tags planted -o bin/flotilla-planted ./cmd/flotilla
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	for bug in $$(bin/flotilla-planted soak --planted list); do \
		echo "== planted: $$bug"; code=0; \
		bin/flotilla-planted soak --planted $$bug --seeds 1000 --failures 1 --workers 1 >"$$log" || code=$$?; \
		cat "$$log"; \
		again=$$(sed -n 's/^repeat it: flotilla //p' "$$log"); \
		[[ $$code == 1 && -n $$again ]] || { echo "$$bug was not found (exit code $$code)"; exit 1; }; \
		code=0; bin/flotilla-planted $$again >/dev/null || code=$$?; \
		[[ $$code == 1 ]] || { echo "$$bug: the command that should repeat it ends with $$code"; exit 1; }; \
	done
	$(GO) test -tags planted -count=1 -run Planted ./harness/soak

golden: ## rewrite golden files; commit only a difference you understand
	$(GO) test $$(grep -rlE --include='*_test.go' 'flag\.Bool\("update"' . | xargs -n1 dirname | sort -u) -update

# What is random, ordered or dated must come out the same on every machine.
PURE := ./sim/... ./cmd/flotilla

digest: ## the pure core on another word size, with another number of processors, in other time zones
	GOARCH=386 CGO_ENABLED=0 GOMAXPROCS=1 TZ=Asia/Kathmandu $(GO) test -short -count=1 ./sim/...
	GOARCH=386 CGO_ENABLED=0 GOMAXPROCS=1 TZ=Asia/Kathmandu $(GO) test -count=1 -run '^Test(Digest.*|Library|Month|SixDevices|AllSixJobs|HistogramsAddUp)$$' ./cmd/flotilla
	GOARCH=386 CGO_ENABLED=0 GOMAXPROCS=2 TZ=Pacific/Apia $(GO) test -count=1 -run 'Digest|Vector|Golden|Transcript' $(PURE)
	GOMAXPROCS=1 TZ=America/St_Johns $(GO) test -count=1 -run 'Digest|Vector|Golden|Transcript' $(PURE)
	GOMAXPROCS=2 TZ=Asia/Kathmandu $(GO) test -count=1 -run 'Digest|Vector|Golden|Transcript' $(PURE)

smoke: build ## the program itself: one scenario live and, twice the same, in virtual time; results in OUT
	bin/flotilla run six-devices --out $(OUT)/live
	bin/flotilla run six-devices --virtual --out $(OUT)/virtual
	bin/flotilla run six-devices --virtual --out $(OUT)/again
	@for run in live virtual; do \
		n=$$(grep -c '"status": *"completed"' $(OUT)/$$run/summary.json) || true; \
		[[ $$n == 7 ]] || { echo "$$run: $$n jobs completed; want 7"; exit 1; }; \
	done
	@first=$$(grep '"digest"' $(OUT)/virtual/summary.json); second=$$(grep '"digest"' $(OUT)/again/summary.json); \
	[[ $$first == "$$second" ]] || { echo "one seed, two digests: $$first $$second"; exit 1; }; \
	echo "six devices: seven jobs completed, live and virtual;$$first"
