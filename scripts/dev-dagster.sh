#!/usr/bin/env bash
# Calls `dagster` with these arguments on the code location in integrations/dagster, in the
# container where that runs, else from .venv-dagster with the settings of dev_up.sh:
#
#   scripts/dev-dagster.sh asset list
#   scripts/dev-dagster.sh job launch -j build_canonical_month_job \
#       --tags '{"dagster/partition": "wa/medical_claim/2024-05"}'
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "$0")/env.sh"
# shellcheck source=scripts/dev-settings.sh
source "$root/scripts/dev-settings.sh"
say() { printf 'dagster-cli: %s\n' "$*" >&2; }

if [ $# -eq 0 ]; then
    say 'say what dagster shall do: make dagster-cli CMD="asset list"'
    exit 2
fi
# These read no workspace, and would ask for the module.
case "$1 ${2:-}" in
    asset\ * | 'job execute')
        case " $* " in
            *' -m '* | *' --module-name '* | *' -f '* | *' --python-file '*) ;;
            *) set -- "$@" --module-name lazaret_dagster.definitions ;;
        esac
        ;;
esac
if [ "$(docker compose ps --quiet --status running dagster_daemon 2>/dev/null | wc -l)" -gt 0 ]; then
    terminal=()
    [ -t 0 ] || terminal=(-T)
    exec docker compose exec "${terminal[@]}" dagster_daemon dagster "$@"
fi

"$root/scripts/setup.sh" dagster
export_settings "$dev_settings"
if [ -z "${LAZARET_PROJECT:-}" ]; then
    export LAZARET_PROJECT=$dev_dir/project
    [ -e "$LAZARET_PROJECT/lazaret.toml" ] || {
        say "there is no project yet: ./dev_up.sh --dagster makes one, LAZARET_PROJECT names yours"
        exit 1
    }
fi
find_lazaret
make_dagster_home
cd integrations/dagster
exec "$root/.venv-dagster/bin/dagster" "$@"
