#!/usr/bin/env bash
# Format and lints, warnings denied.
set -euo pipefail
"$(dirname "$0")/setup.sh" check
# shellcheck source=scripts/env.sh
source "$(dirname "$0")/env.sh"

cargo fmt --all --check
exec cargo clippy --workspace --all-targets -- -D warnings
