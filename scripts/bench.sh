#!/usr/bin/env bash
# Times the inspector beside what else could be picked for the same work, with the release profile,
# and prints tables for docs/BENCHMARKS.md. What the rivals need is installed into .venv-bench/.
# Then times two workers beside one.
#
#   scripts/bench.sh                  both
#   scripts/bench.sh workers          two workers of one thread each beside one, on Postgres
#   scripts/bench.sh [--mb 1000] [--runs 5] [--rivals duckdb,polars,…] [--slow-mb 100] [--slow-runs 2]
#
# The inspector needs no heavy crate, so it builds in minutes, and 3 GB of disk in TMPDIR for 1 GB
# of claims. The workers are those of the tests' build. qsv takes part where `qsvlite` is on the
# PATH or LAZARET_BENCH_QSV names it.
set -euo pipefail
"$(dirname "$0")/setup.sh" build
# shellcheck source=scripts/env.sh
source "$(dirname "$0")/env.sh"

workers() {
    scripts/setup.sh test
    cargo nextest run --workspace --run-ignored only --no-capture -E 'test(/^sharing::/)'
}

if [ "${1:-}" = workers ]; then
    workers
    exit
fi

python_is_usable() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

need_rivals() {
    local requirements=scripts/bench-requirements.txt stamp=.venv-bench/requirements.sha256 wanted
    wanted=$(sha256sum <"$requirements")
    if [ -x .venv-bench/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    python_is_usable python3 || {
        echo "bench: needs Python 3.11 or newer with venv (in Debian: apt-get install python3-venv)" >&2
        exit 1
    }
    echo "bench: installing DuckDB, Polars, pandas and Pandera (pip, into .venv-bench/)" >&2
    rm -rf .venv-bench
    python3 -m venv .venv-bench
    .venv-bench/bin/pip install --quiet --no-input --disable-pip-version-check \
        --only-binary :all: --requirement "$requirements"
    echo "$wanted" >"$stamp"
}

# Whoever names an interpreter has it ready.
if [ -z "${LAZARET_BENCH_PYTHON:-}" ]; then
    need_rivals
    export LAZARET_BENCH_PYTHON="$PWD/.venv-bench/bin/python"
fi
cargo bench -p inspect --bench parquet -- "$@"
if [ $# = 0 ]; then
    workers
fi
