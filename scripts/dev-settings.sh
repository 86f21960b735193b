# Sourced by dev_up.sh and the scripts around it: where what they make lies, its settings, ports.
# shellcheck shell=bash disable=SC2034  # who sources it uses what it sets

# Everything that a start without Docker makes; Dagster's files lie apart, where people look.
dev_dir=${LAZARET_DEV_DIR:-$root/.local}
mkdir -p "$dev_dir"
dev_dir=$(cd "$dev_dir" && pwd)
dev_settings=$dev_dir/dev.env
dagster_home=$root/.dagster_home
[ -z "${LAZARET_DEV_DIR:-}" ] || dagster_home=$dev_dir/dagster_home

random_secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# setting FILE NAME DEFAULT: from the environment, else the file's last line that sets it.
setting() {
    local value=${!2:-}
    if [ -z "$value" ] && [ -e "$1" ]; then
        value=$(sed -n "s/^$2=//p" "$1" | tail -n 1)
    fi
    printf '%s' "${value:-$3}"
}

# export_settings FILE: each line NAME=value that the environment does not say otherwise.
export_settings() {
    local name value
    [ -e "$1" ] || return 0
    while IFS='=' read -r name value; do
        case $name in '' | '#'*) continue ;; esac
        [ -n "${!name:-}" ] || export "$name=$value"
    done <"$1"
}

# Whether somebody listens there: ADDRESS PORT.
port_is_taken() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

# Who listens on a port, as far as this user may know.
who_listens() {
    command -v ss >/dev/null 2>&1 || return 0
    ss -Hltnp "sport = :$1" 2>/dev/null | sed -n 's/.*users:((\("[^"]*"\),pid=\([0-9]*\).*/, by \1 (process \2)/p' | head -n 1
}

# Whether `lazaret up` there says that it is ready: ADDRESS PORT. In a shell of its own, which whoever
# hangs up may end.
is_ready() (
    exec 3<>"/dev/tcp/$1/$2" || exit 1
    printf 'GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
    read -r _ status _ <&3 && [ "$status" = 200 ]
) 2>/dev/null

# The program: what LAZARET_BIN names, else what is built from here.
find_lazaret() {
    if [ -n "${LAZARET_BIN:-}" ]; then
        [ -x "$LAZARET_BIN" ] || { say "LAZARET_BIN names no program: $LAZARET_BIN"; exit 1; }
    else
        "$root/scripts/setup.sh" build
        say "building lazaret (the first time takes some ten minutes on two cores)"
        cargo build --quiet -p lazaret
        LAZARET_BIN=${CARGO_TARGET_DIR:-$root/target}/debug/lazaret
    fi
    LAZARET_BIN=$(realpath "$LAZARET_BIN")
    export LAZARET_BIN
}

# Where Dagster keeps its runs, with settings that may be changed there.
make_dagster_home() {
    mkdir -p "$dagster_home"
    [ -e "$dagster_home/dagster.yaml" ] || cp "$root/integrations/dagster/dagster.yaml" "$dagster_home/"
    export DAGSTER_HOME=$dagster_home
}

# The server programs of Debian's newest Postgres, or of whatever is on the PATH.
postgres_programs() {
    local initdb found=
    for initdb in /usr/lib/postgresql/*/bin/initdb; do
        [ -x "$initdb" ] && found=$(dirname "$initdb")
    done
    if [ -z "$found" ] && command -v initdb >/dev/null 2>&1; then
        found=$(dirname "$(readlink -f "$(command -v initdb)")")
    fi
    printf '%s' "$found"
}
