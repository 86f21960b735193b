#!/usr/bin/env bash
# Runs all tests, after installing what they need. Arguments go to `cargo nextest run`:
#
#   scripts/test.sh -p inspect        one crate
#   scripts/test.sh quarantine        the tests with this word in their name
set -euo pipefail
"$(dirname "$0")/setup.sh" test
# shellcheck source=scripts/env.sh
source "$(dirname "$0")/env.sh"

# There are no doc tests, which nextest would not run: a test in `testkit` sees to that.
exec cargo nextest run --workspace "$@"
