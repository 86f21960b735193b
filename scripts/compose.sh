#!/usr/bin/env bash
# The services of docker-compose.yml, on this machine:
#
#   scripts/compose.sh up [--dagster]    builds what has changed, starts all, waits until it is ready
#   scripts/compose.sh down [--volumes]  stops all; with --volumes, what was stored is deleted too
#   scripts/compose.sh logs [SERVICE…]   follows their logs
#   scripts/compose.sh psql [OPTION…]    SQL in the metadata database (of dev_up.sh, where that runs)
#   scripts/compose.sh minio-shell       a shell with `mc`, where `local/health-raw` is the bucket
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "$0")/env.sh"
# shellcheck source=scripts/dev-settings.sh
source "$root/scripts/dev-settings.sh"

say() { printf 'compose: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

compose() {
    if docker compose version >/dev/null 2>&1; then
        docker compose "$@"
    elif command -v docker-compose >/dev/null 2>&1; then
        docker-compose "$@"
    else
        fail "Docker with Compose is not installed: ./dev_up.sh starts Lazaret without it"
    fi
}

# Whether that service is there and running; false, and silent, where Docker is not.
is_running() {
    [ -n "$( (compose ps --quiet --status running "$1") 2>/dev/null)" ]
}

# A program in a container; without a terminal where this has none.
inside() {
    local terminal=()
    [ -t 0 ] || terminal=(-T)
    compose exec "${terminal[@]}" "$@"
}

write_settings() {
    [ ! -e .env ] || return 0
    local line
    while IFS= read -r line; do
        printf '%s\n' "${line/%=change-me/=$(random_secret)}"
    done <.env.example | (umask 077 && cat >.env)
    say "wrote .env, with passwords of its own"
}

let_dagster_drive() {
    sed -i -e 's/^#\(ORCHESTRATOR=dagster\|COMPOSE_PROFILES=dagster\)$/\1/' -e 's/^#WORKERS=1$/WORKERS=0/' .env
    if [ "$(grep -cxE 'ORCHESTRATOR=dagster|COMPOSE_PROFILES=dagster|WORKERS=0' .env)" -ne 3 ]; then
        fail "write ORCHESTRATOR=dagster, COMPOSE_PROFILES=dagster and WORKERS=0 into .env"
    fi
    say "from now on Dagster decides when (ORCHESTRATOR in .env)"
}

# The ports that docker-compose.yml publishes, as NAME and number.
published_ports() {
    local name number
    sed -n 's/.*127\.0\.0\.1:\${\([A-Z_]*\):-\([0-9]*\)}:.*/\1 \2/p' docker-compose.yml |
        while read -r name number; do
            printf '%s %s\n' "$name" "$(setting .env "$name" "$number")"
        done
}

check_ports() {
    [ -z "$(compose ps --all --quiet)" ] || return 0
    local name number taken=0
    while read -r name number; do
        if port_is_taken 127.0.0.1 "$number"; then
            say "port $number is taken$(who_listens "$number"): end that, or write another $name into .env"
            taken=1
        fi
    done < <(published_ports)
    [ "$taken" -eq 0 ] || exit 1
}

# A folder of yours belongs to you: what is made in it is made by you, not by the image's user.
make_project() {
    local folder
    folder=$(setting .env LAZARET_PROJECT_DIR project)
    case $folder in .* | /*) ;; *) return 0 ;; esac
    [ ! -e "$folder/lazaret.toml" ] || return 0
    say "making a project in $folder"
    mkdir -p "$folder"
    compose run --rm --user "$(id -u):$(id -g)" migrations
}

up() {
    compose version >/dev/null
    write_settings
    case ${1:-} in
        '') ;;
        --dagster) let_dagster_drive ;;
        *) fail "there is no option $1" ;;
    esac
    compose ps --quiet >/dev/null || fail "Docker does not answer: the message above says why"
    check_ports
    say "building (the first time takes some ten minutes on two cores)"
    compose build
    make_project
    compose up --detach --remove-orphans ||
        fail "not all has started: 'make logs' says why, docs/TROUBLESHOOTING.md what to do"
    await_ready
}

await_ready() {
    local port deadline=$((SECONDS + 60))
    port=$(setting .env LAZARET_PORT 3000)
    until is_ready 127.0.0.1 "$port"; do
        [ "$SECONDS" -lt "$deadline" ] ||
            fail "lazaret is not ready after a minute: 'make logs ARGS=lazaret' says why"
        sleep 0.5
    done
    say "Lazaret is up: http://127.0.0.1:$port/"
    say "MinIO: http://127.0.0.1:$(setting .env MINIO_CONSOLE_PORT 9001)/ (MINIO_ROOT_USER and MINIO_ROOT_PASSWORD of .env)"
    if is_running dagster_webserver; then
        say "Dagster: http://127.0.0.1:$(setting .env DAGSTER_PORT 3001)/"
    fi
}

metadata_psql() {
    if is_running metadata_postgres; then
        inside metadata_postgres psql --username lazaret --dbname lazaret "$@"
    elif [ -n "$(setting "$dev_settings" DEV_POSTGRES_PORT '')" ]; then
        export_settings "$dev_settings"
        "$(postgres_programs)/psql" --host 127.0.0.1 --port "$DEV_POSTGRES_PORT" --username lazaret --dbname lazaret "$@"
    else
        fail "no Postgres of Lazaret's is running: start it with 'make up', or with ./dev_up.sh --postgres"
    fi
}

minio_shell() {
    is_running minio || fail "MinIO is not running: start it with 'make up'"
    # shellcheck disable=SC2016  # the variables are those of the container
    inside minio sh -c 'mc alias set local http://127.0.0.1:9000 "$MINIO_ROOT_USER" "$MINIO_ROOT_PASSWORD" >/dev/null &&
        echo "mc ls --recursive local/health-raw/inbox/   lists what was dropped" >&2 && exec sh'
}

command=${1:-help}
[ $# -eq 0 ] || shift
case $command in
    up) up "$@" ;;
    # All profiles: what Dagster's brought up goes down too.
    down) COMPOSE_PROFILES=dagster compose down "$@" ;;
    logs) COMPOSE_PROFILES=dagster compose logs --follow --tail=200 "$@" ;;
    psql) metadata_psql "$@" ;;
    minio-shell) minio_shell ;;
    *) sed -n '2,/^set /s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
