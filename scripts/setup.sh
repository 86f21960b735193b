#!/usr/bin/env bash
# Installs what a part of the project needs, says what and why, and installs nothing twice.
#
#   scripts/setup.sh [build] [check] [test] [dagster] [audit] [fuzz]
#
# It is made for Debian (as root or with sudo); elsewhere it names what is missing. System packages
# come from apt; everything else stays inside the project, in .venv/, .venv-dagster/ and .local/.
set -euo pipefail
python_named_by_user=${LAZARET_TEST_PYTHON:-}
# shellcheck source=scripts/env.sh
source "$(dirname "$0")/env.sh"

nextest_version=0.9.143
deny_version=0.20.2
fuzz_version=0.13.2
requirements=scripts/requirements.txt
dagster_requirements=scripts/dagster-requirements.txt

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        fail "system packages need root or sudo: run this once as root"
    fi
}

# apt_install WHY PACKAGE...
apt_install() {
    local why=$1
    shift
    say "installing $* (apt): $why"
    have apt-get || fail "this is not Debian: install $* (or what your system calls it) and try again"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# cargo_install NAME VERSION WHY [OPTION...]: into .local/tools, leaving the user's own tools alone.
cargo_install() {
    local name=$1 version=$2 why=$3
    shift 3
    say "installing $name $version (cargo, some minutes): $why"
    env -u CARGO_TARGET_DIR cargo install --quiet --locked --root .local/tools "$@" "$name@$version"
}

need_rust() {
    local needed found
    needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    have cargo || fail "needs Rust $needed or newer: see https://rustup.rs"
    found=$(cargo --version | cut -d' ' -f2)
    [ "$(printf '%s\n' "$needed" "$found" | sort -V | head -n 1)" = "$needed" ] ||
        fail "needs Rust $needed or newer, found $found: 'rustup update stable' brings it"
}

need_c_compiler() {
    { have cc && have make; } ||
        apt_install "SQLite, zstd and the TLS library are built from C" build-essential
}

need_component() {
    cargo "$1" --version >/dev/null 2>&1 && return
    have rustup || fail "needs 'cargo $1': install it with your Rust (in Debian: apt-get install $2)"
    say "installing $2 (rustup): make check runs 'cargo $1'"
    rustup component add "$2"
}

postgres_is_there() {
    local initdb
    for initdb in "$(command -v initdb || true)" /usr/lib/postgresql/*/bin/initdb; do
        [ -x "$initdb" ] && [ -x "$(dirname "$(readlink -f "$initdb")")/postgres" ] && return
    done
    return 1
}

# The tests start clusters of their own. Debian's package would start one on port 5432 too:
# this drop-in, which goes again afterwards, keeps it from doing so.
no_main_cluster=/etc/postgresql-common/createcluster.d/lazaret.conf
need_postgres() {
    postgres_is_there && return
    if have apt-get; then
        echo "create_main_cluster = false" | as_root install -D -m 644 /dev/stdin "$no_main_cluster"
        trap 'as_root rm -f "$no_main_cluster"' EXIT
    fi
    apt_install "the store's tests run on a real Postgres that they start; no service is left running" postgresql
}

# python_is_usable PYTHON MINOR: 3.MINOR or newer, with what a venv needs.
python_is_usable() {
    "$1" -c "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, $2))" 2>/dev/null
}

# venv FOLDER REQUIREMENTS MINOR WHAT WHY: an environment of Python 3.MINOR or newer with just that.
venv() {
    local folder=$1 requirements=$2 minor=$3 what=$4 why=$5
    local python=python3 wanted stamp=$folder/requirements.sha256
    wanted=$(sha256sum <"$requirements")
    if [ -x "$folder/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    if ! python_is_usable "$python" "$minor"; then
        apt_install "$why" python3 python3-venv
        python=/usr/bin/python3
        python_is_usable "$python" "$minor" || fail "needs Python 3.$minor or newer with venv"
    fi
    say "installing $what (pip, into $folder/)"
    rm -rf "$folder"
    "$python" -m venv "$folder"
    "$folder/bin/pip" install --quiet --no-input --disable-pip-version-check \
        --only-binary :all: --requirement "$requirements"
    echo "$wanted" >"$stamp"
}

need_python() {
    [ -z "$python_named_by_user" ] || return 0
    venv .venv "$requirements" 10 "DuckDB, Delta and an S3 server for the tests" \
        "the tests check what was written with DuckDB and Delta for Python"
}

need_dagster() {
    [ -z "${LAZARET_TEST_DAGSTER:-}" ] || return 0
    venv .venv-dagster "$dagster_requirements" 11 "Dagster" \
        "integrations/dagster and its tests run on a real Dagster"
}

need_nextest() {
    # Unoptimised, it builds in half the time and starts tests as fast.
    cargo nextest --version >/dev/null 2>&1 ||
        cargo_install cargo-nextest "$nextest_version" "it runs the tests" --debug
}

need_deny() {
    cargo deny --version >/dev/null 2>&1 ||
        cargo_install cargo-deny "$deny_version" "make audit checks licences, bans and sources with it"
}

need_fuzz() {
    cargo fuzz --version >/dev/null 2>&1 ||
        cargo_install cargo-fuzz "$fuzz_version" "make fuzz runs the targets in fuzz/ with it" --debug
}

[ $# -gt 0 ] || set -- build
for part in "$@"; do
    [ "$part" = dagster ] || need_rust
    case $part in
        build) need_c_compiler ;;
        check) need_c_compiler; need_component fmt rustfmt; need_component clippy clippy ;;
        test) need_c_compiler; need_postgres; need_python; need_dagster; need_nextest ;;
        dagster) need_dagster ;;
        audit) need_c_compiler; need_deny ;;
        fuzz) need_c_compiler; need_fuzz ;;
        *) fail "there is no part '$part': build, check, test, dagster, audit, fuzz" ;;
    esac
done
