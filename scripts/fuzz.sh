#!/usr/bin/env bash
# Runs the fuzz targets, each for a minute, from the inputs in fuzz/corpus. What a run finds on its
# way is kept in .local/fuzz, not in the corpus; what fails, in fuzz/artifacts, with how to repeat it.
# No sanitizer, so that the stable toolchain does: the code is safe Rust, what is looked for are
# panics and wrong results.
#
#   scripts/fuzz.sh                       all targets
#   scripts/fuzz.sh delimited             one of them
#   FUZZ_SECONDS=600 scripts/fuzz.sh      longer
set -euo pipefail
"$(dirname "$0")/setup.sh" fuzz
# shellcheck source=scripts/env.sh
source "$(dirname "$0")/env.sh"

if [ $# -eq 0 ]; then
    mapfile -t targets < <(cargo fuzz list)
    set -- "${targets[@]}"
fi
for target in "$@"; do
    found=.local/fuzz/$target
    mkdir -p "$found"
    cargo fuzz run --sanitizer none "$target" "$found" "fuzz/corpus/$target" -- \
        -max_total_time="${FUZZ_SECONDS:-60}" -max_len=2000 -timeout=10 -print_final_stats=1
done
