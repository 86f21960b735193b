#!/usr/bin/env bash
# Builds `lazaret` and runs its demo in a new folder, .local/demo. Arguments go to `lazaret demo`:
#
#   scripts/demo.sh --format json
#   scripts/demo.sh --data FOLDER    the full public sets instead of the samples
set -euo pipefail
"$(dirname "$0")/setup.sh" build
# shellcheck source=scripts/env.sh
source "$(dirname "$0")/env.sh"

folder=.local/demo
cargo build -p lazaret
rm -rf "$folder"
exec cargo run --quiet -p lazaret -- demo --dir "$folder" "$@"
