#!/usr/bin/env bash
# What the project is made of: banned crates, licences, sources. Advisories need their database
# from the network: `cargo deny check advisories`.
set -euo pipefail
"$(dirname "$0")/setup.sh" audit
# shellcheck source=scripts/env.sh
source "$(dirname "$0")/env.sh"

exec cargo deny check --hide-inclusion-graph bans licenses sources
