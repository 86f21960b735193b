#!/usr/bin/env bash
# Starts Lazaret on this machine, without Docker: builds the program, makes a project in
# .local/project, brings its database up to date, and runs `lazaret up` until Ctrl-C. A second run
# finds everything there. Its settings are in .local/dev.env.
#
#   ./dev_up.sh                 SQLite and a folder: nothing else to install
#   ./dev_up.sh --postgres      the metadata in a private Postgres, in .local/postgres, from now on
#   ./dev_up.sh --dagster       Dagster decides when: `dagster dev` beside it, in .dagster_home
#   ./dev_up.sh --check         everything but the start
#
# LAZARET_BIN names a program that is built already; LAZARET_PROJECT a project of yours.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "$0")/scripts/env.sh"
# shellcheck source=scripts/dev-settings.sh
source "$root/scripts/dev-settings.sh"

say() { printf 'dev_up: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
usage() { sed -n '2,/^set /s/^# \{0,1\}//p' "$0"; }

only_check=false with_postgres=false with_dagster=false
for argument in "$@"; do
    case $argument in
        --check) only_check=true ;;
        --postgres) with_postgres=true ;;
        --dagster) with_dagster=true ;;
        -h | --help) usage; exit ;;
        *) say "there is no option $argument"; usage >&2; exit 2 ;;
    esac
done

write_settings() {
    if [ ! -e "$dev_settings" ]; then
        (umask 077 && cat >"$dev_settings") <<END
# Settings of dev_up.sh, read at each start; what stands in the environment counts more. Any setting
# of lazaret's (see README.md) may be added.
LISTEN=127.0.0.1:3000
DAGSTER_PORT=3001
EVENTS_TOKEN=$(random_secret)
END
        say "wrote settings: $dev_settings"
    fi
    if $with_postgres && [ -z "$(setting "$dev_settings" DEV_POSTGRES_PORT '')" ]; then
        cat >>"$dev_settings" <<END
DEV_POSTGRES_PORT=54329
PGPASSWORD=$(random_secret)
END
    fi
    export_settings "$dev_settings"
    # What it writes into the environment holds for `lazaret` and for Dagster alike.
    if [ -n "${DEV_POSTGRES_PORT:-}" ]; then
        export METADATA_DB_URL=postgres://lazaret@127.0.0.1:$DEV_POSTGRES_PORT/lazaret
    fi
    if $with_dagster; then
        export ORCHESTRATOR=dagster
    fi
    export LAZARET_PROJECT=${LAZARET_PROJECT:-$dev_dir/project}
    address=${LISTEN%:*} port=${LISTEN##*:}
}

need_port() {
    port_is_taken "$1" "$2" || return 0
    fail "port $2 is taken$(who_listens "$2"): end that, or write another $3 into $dev_settings"
}

check_ports() {
    if is_ready "$address" "$port"; then
        fail "Lazaret is up already: http://$LISTEN/ (or write another LISTEN into $dev_settings)"
    fi
    need_port "$address" "$port" LISTEN
    if $with_dagster; then
        need_port 127.0.0.1 "$DAGSTER_PORT" DAGSTER_PORT
    fi
    if [ -n "${DEV_POSTGRES_PORT:-}" ] && ! postgres_is_ours; then
        need_port 127.0.0.1 "$DEV_POSTGRES_PORT" DEV_POSTGRES_PORT
    fi
}

# Postgres refuses to be root; Debian's package has made an account for it.
as_postgres() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && runuser -u postgres -- "$@")
    else
        "$@"
    fi
}
postgres_is_ours() {
    [ -e "$dev_dir/postgres/data" ] &&
        as_postgres "$(postgres_programs)/pg_ctl" status --pgdata "$dev_dir/postgres/data" >/dev/null 2>&1
}

# A cluster of its own, on this machine only and with a password: nothing of yours is touched.
start_postgres() {
    local programs data=$dev_dir/postgres/data log=$dev_dir/postgres/log
    [ -n "${DEV_POSTGRES_PORT:-}" ] || return 0
    programs=$(postgres_programs)
    [ -n "$programs" ] || fail "Postgres is not installed (in Debian: apt-get install postgresql)"
    if [ ! -e "$data/PG_VERSION" ]; then
        say "making a private Postgres in $dev_dir/postgres"
        mkdir -p "$dev_dir/postgres"
        if [ "$(id -u)" -eq 0 ]; then
            chown postgres "$dev_dir/postgres"
            as_postgres test -w "$dev_dir/postgres" ||
                fail "as root, Postgres runs as 'postgres', who cannot reach $dev_dir: run this as another user"
        fi
        # By a file: another account may not open this one's pipe.
        (umask 077 && printf '%s\n' "$PGPASSWORD" | as_postgres tee "$dev_dir/postgres/password" >/dev/null)
        as_postgres "$programs/initdb" --pgdata "$data" --username=lazaret --encoding=UTF8 --no-locale \
            --pwfile="$dev_dir/postgres/password" --auth=scram-sha-256 >/dev/null
        as_postgres rm "$dev_dir/postgres/password"
    fi
    if ! postgres_is_ours; then
        as_postgres "$programs/pg_ctl" start --wait --silent --pgdata "$data" --log "$log" --options \
            "-c listen_addresses=127.0.0.1 -c port=$DEV_POSTGRES_PORT -c unix_socket_directories=" ||
            fail "Postgres did not start: $log says why"
        postgres_started=true
    fi
    local psql=("$programs/psql" --quiet --no-psqlrc --tuples-only --host 127.0.0.1 --port "$DEV_POSTGRES_PORT" --username lazaret)
    if [ -z "$("${psql[@]}" --dbname postgres --command "SELECT 1 FROM pg_database WHERE datname = 'lazaret'")" ]; then
        "${psql[@]}" --dbname postgres --command "CREATE DATABASE lazaret"
    fi
}

make_project() {
    if [ ! -e "$LAZARET_PROJECT/lazaret.toml" ]; then
        say "making a project in $LAZARET_PROJECT"
        "$LAZARET_BIN" init "$LAZARET_PROJECT" >/dev/null
        mkdir -p "$LAZARET_PROJECT/data/inbox"
    fi
    "$LAZARET_BIN" migrate >&2 ||
        fail "the migration failed; the message above says why, docs/TROUBLESHOOTING.md what to do"
}

prepare_dagster() {
    $with_dagster || return 0
    "$root/scripts/setup.sh" dagster
    make_dagster_home
}

postgres_started=false
children=()
# shellcheck disable=SC2317  # the traps below call it
stop() {
    trap - INT TERM EXIT
    if [ ${#children[@]} -gt 0 ]; then
        say "stopping"
        kill -TERM "${children[@]}" 2>/dev/null || true
        wait "${children[@]}" 2>/dev/null || true
        # What Dagster has started of its own and left behind.
        kill -TERM -- "${children[@]/#/-}" 2>/dev/null || true
    fi
    if $postgres_started; then
        as_postgres "$(postgres_programs)/pg_ctl" stop --silent --mode fast --pgdata "$dev_dir/postgres/data" || true
    fi
}
trap stop EXIT
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM

start() {
    # Each in a process group of its own: a Ctrl-C reaches this script alone, which ends them in order.
    set -m
    "$LAZARET_BIN" up --listen "$LISTEN" &
    children+=($!)
    if $with_dagster; then
        (cd integrations/dagster && exec "$root/.venv-dagster/bin/dagster" dev --host 127.0.0.1 --port "$DAGSTER_PORT") &
        children+=($!)
    fi
    set +m
    until is_ready "$address" "$port"; do
        kill -0 "${children[0]}" 2>/dev/null || fail "lazaret up has ended; its message stands above"
        sleep 0.2
    done
    say "Lazaret is up: http://$LISTEN/"
    if $with_dagster; then
        say "Dagster, in some seconds: http://127.0.0.1:$DAGSTER_PORT/"
    fi
    say "project: $LAZARET_PROJECT (drop files into data/inbox/SUBMITTER/FILE_TYPE/DROP_ID/)"
    say "Ctrl-C stops all of it"
    # Whatever ends first ends the rest.
    local status=0
    wait -n "${children[@]}" || status=$?
    fail "a process has ended (exit code $status); its message stands above"
}

write_settings
check_ports
find_lazaret
start_postgres
make_project
prepare_dagster
if ! diagnosis=$("$LAZARET_BIN" doctor 2>&1); then
    printf '%s\n' "$diagnosis" >&2
    fail "lazaret doctor found what is wrong, above"
fi
if $only_check; then
    printf '%s\n' "$diagnosis" >&2
    say "all is ready: ./dev_up.sh starts it"
    exit 0
fi
start
