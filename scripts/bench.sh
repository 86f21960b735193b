#!/usr/bin/env bash
# Times inspect → Parquet beside DuckDB on the same generated file, with the release profile
# (a cold release build of the whole stack takes some 45 minutes on two cores). Arguments go to
# the benchmarks, which are the `[[bench]]` targets of the crate `lazaret`.
set -euo pipefail
"$(dirname "$0")/setup.sh" test
# shellcheck source=scripts/env.sh
source "$(dirname "$0")/env.sh"

exec cargo bench -p lazaret --benches -- "$@"
