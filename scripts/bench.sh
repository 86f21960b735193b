#!/usr/bin/env bash
# Times inspect → Parquet beside DuckDB on the same generated file, with the release profile, and
# prints a table for docs/BENCHMARKS.md. The benchmark needs no heavy crate, so it builds in minutes.
set -euo pipefail
"$(dirname "$0")/setup.sh" test
# shellcheck source=scripts/env.sh
source "$(dirname "$0")/env.sh"

exec cargo bench -p inspect --bench parquet -- "$@"
