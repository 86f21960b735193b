# Every target does its own set-up and says what it installs; each is a script that also runs
# without make. Arguments for the script: make test ARGS="-p inspect"
.DEFAULT_GOAL := help
.PHONY: help demo test check audit bench fuzz fmt clean

help: ## This list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: ## From a dropped file to the statewide table, in .local/demo
	@scripts/demo.sh $(ARGS)

test: ## All tests, on SQLite and Postgres, on folders and S3
	@scripts/test.sh $(ARGS)

check: ## Format and lints, warnings denied
	@scripts/check.sh

audit: ## Licences, bans and sources of all dependencies
	@scripts/audit.sh

bench: ## Inspector beside DuckDB, Polars and Pandera: make bench ARGS="--mb 256 --runs 3"
	@scripts/bench.sh $(ARGS)

fuzz: ## Fuzzes each reader for a minute
	@scripts/fuzz.sh $(ARGS)

fmt: ## Formats the code
	@scripts/setup.sh check
	@cargo fmt --all

clean: ## Removes what was built and made here; installed tools stay
	cargo clean
	rm -rf .local/demo
