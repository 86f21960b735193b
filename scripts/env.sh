# Sourced by the scripts: where the project lies, and the tools that it installed for itself.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit
export PATH="$root/.local/tools/bin:$PATH"

# What `scripts/setup.sh test` makes, unless the user has named another interpreter.
export LAZARET_TEST_PYTHON="${LAZARET_TEST_PYTHON:-$root/.venv/bin/python}"
