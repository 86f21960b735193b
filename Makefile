# Every target does its own set-up and says what it installs; each is a script that also runs
# without make. Arguments for the script: make test ARGS="-p inspect"
.DEFAULT_GOAL := help
.PHONY: help demo dev up down logs psql minio-shell dagster-cli test check audit bench fuzz fmt clean

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: ## From a dropped file to the statewide table, in .local/demo
	@scripts/demo.sh $(ARGS)

dev: ## Lazaret on this machine without Docker: make dev ARGS="--postgres --dagster"
	@./dev_up.sh $(ARGS)

up: ## All services by Docker Compose: make up ARGS=--dagster
	@scripts/compose.sh up $(ARGS)

down: ## Stops them; ARGS=--volumes deletes what they stored
	@scripts/compose.sh down $(ARGS)

logs: ## Follows their logs: make logs ARGS="lazaret worker"
	@scripts/compose.sh logs $(ARGS)

psql: ## SQL in the metadata database, of Docker Compose or of dev_up.sh
	@scripts/compose.sh psql $(ARGS)

minio-shell: ## A shell with MinIO's client, mc
	@scripts/compose.sh minio-shell

dagster-cli: ## The dagster command: make dagster-cli CMD="asset list"
	@scripts/dev-dagster.sh $(CMD)

test: ## All tests, on SQLite and Postgres, on folders and S3
	@scripts/test.sh $(ARGS)

check: ## Format and lints, warnings denied
	@scripts/check.sh

audit: ## Licences, bans and sources of all dependencies
	@scripts/audit.sh

bench: ## Inspector beside DuckDB, Polars, Pandera and qsv; two workers beside one
	@scripts/bench.sh $(ARGS)

fuzz: ## Fuzzes each reader for a minute
	@scripts/fuzz.sh $(ARGS)

fmt: ## Formats the code
	@scripts/setup.sh check
	@cargo fmt --all

clean: ## Removes what was built and made here; installed tools stay
	cargo clean
	rm -rf .local/demo
