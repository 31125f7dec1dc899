#!/bin/sh
# Cellwright's one script, for people and for CI. `./cw help` lists the verbs.
# It needs a POSIX shell and Python >= 3.11; everything else it installs into .venv,
# from lock files that pin every package by hash. It asks for no other network access.
set -eu

root=$(dirname -- "$(readlink -f -- "$0")")
venv=${CW_VENV:-$root/.venv}
python=$venv/bin/python
minimum='3.11'

say() { printf 'cw: %s\n' "$*" >&2; }

die() {
    say "$@"
    exit 1
}

usage() {
    cat <<'TEXT'
Cellwright: runs a traction-battery plant from powder to PACK.

  ./cw demo [OPTIONS]    a virtual plant makes a battery pack while you watch
  ./cw up [OPTIONS]      run a plant on this machine
  ./cw COMMAND ...       any other command of cellwright; ./cw --help lists them

For those who change it:
  ./cw test              lint, types, import contracts, all tests and the coverage gate
  ./cw test PATH ...     only these tests, with any option of pytest
  ./cw lint [--fix]      lint, format, types and import contracts; --fix mends what it can
  ./cw bench [NAME ...]  run every bench, or the one named, with its options; prints JSON
  ./cw screenshots       photograph every page of a running plant, and renew the pictures of the documentation
  ./cw docs              build the documentation into build/docs
  ./cw shell             a shell in which `python` and `cellwright` are this checkout's
  ./cw lock              remake requirements/*.txt from requirements/*.in
  ./cw vendor            remake the libraries that the web client carries; needs Node
  ./cw help              this text

Settings: CW_PYTHON (which Python to use), CW_VENV (where to install; default .venv), CW_SCREENSHOTS=1 (tests of
pages keep pictures in build/screenshots).
TEXT
}

# --- finding Python ---------------------------------------------------------------------

# A command of the right name may still not run (version managers leave such stubs), so ask it.
runs() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

makes_environments() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

# Prints the first Python that can make environments; failing that, the first new enough.
find_python() {
    second=''
    for name in ${CW_PYTHON:-python3.13 python3.12 python3.11 python3}; do
        path=$(command -v "$name" 2>/dev/null) || continue
        runs "$path" || continue
        if makes_environments "$path"; then
            printf '%s\n' "$path"
            return
        fi
        second=${second:-$path}
    done
    printf '%s\n' "$second"
}

# As root on Debian and its children, install what is missing; otherwise name the command.
need_packages() {
    why=$1
    shift
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "$why; installing $* ..."
        export DEBIAN_FRONTEND=noninteractive
        if apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends "$@" >&2; then
            return
        fi
        die "could not install $*. Run this and try again: apt-get install $*"
    elif command -v apt-get >/dev/null 2>&1; then
        die "$why. Run this and try again: sudo apt-get install $*"
    fi
    die "$why. Install $* (names of Debian; Python must be $minimum or newer, CW_PYTHON names it), then try again."
}

choose_python() {
    chosen=$(find_python)
    if [ -z "$chosen" ]; then
        [ -z "${CW_PYTHON:-}" ] || die "CW_PYTHON=$CW_PYTHON is not a Python $minimum or newer."
        need_packages "no Python $minimum or newer found" python3 python3-venv
        chosen=$(find_python)
    elif ! makes_environments "$chosen"; then
        # Debian keeps the module apart, in a package named after the version.
        package=$("$chosen" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        [ "$(readlink -f -- "$chosen")" != "$(readlink -f /usr/bin/python3)" ] || package='python3-venv'
        need_packages "$chosen lacks the venv module" "$package"
    fi
    if [ -z "$chosen" ] || ! makes_environments "$chosen"; then
        die "no Python $minimum or newer with the venv module found; CW_PYTHON can name one."
    fi
}

# --- the environment --------------------------------------------------------------------

# What an installation depends on: this lock file, this Python and the place of this checkout.
fingerprint() {
    printf '%s %s %s\n' "$(cksum <"$root/requirements/$1.txt")" "$(readlink -f -- "$python")" "$root"
}

is_current() {
    [ -x "$python" ] && [ "$(cat "$venv/.cw-$1" 2>/dev/null)" = "$(fingerprint "$1")" ]
}

make_environment() {
    choose_python
    say "making $venv with $("$chosen" --version) ..."
    if [ -f "$venv/pyvenv.cfg" ]; then
        for part in bin lib lib64 include pyvenv.cfg .cw-root .cw-runtime .cw-dev; do
            rm -rf -- "${venv:?}/$part"
        done
    elif [ -n "$(find "$venv" -mindepth 1 ! -name .cw-lock | head -n 1)" ]; then
        die "$venv holds other things; set CW_VENV to a new folder."
    fi
    "$chosen" -m venv "$venv" >&2 || die "could not make $venv; is there room, and may you write there?"
    printf '%s\n' "$root" >"$venv/.cw-root"
}

# The checkout itself is put on the path, not copied: an edit works at once, nothing is built.
install_checkout() {
    packages=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    printf '%s\n' "$root/src" >"$packages/cellwright-checkout.pth"
    cat >"$venv/bin/cellwright" <<TEXT
#!/bin/sh
exec "$python" -m cellwright "\$@"
TEXT
    chmod 755 "$venv/bin/cellwright"
}

install_lock() {
    # A moved checkout or a removed Python leaves an environment that half works: begin anew.
    if [ "$(cat "$venv/.cw-root" 2>/dev/null)" != "$root" ] || ! "$python" -m pip --version >/dev/null 2>&1; then
        make_environment
    fi
    say "installing requirements/$1.txt (once; a minute or two) ..."
    rm -f -- "$venv/.cw-$1"
    # The lock file is complete, so nothing is resolved: an older pip would look for newer releases of a package
    # that another one names with an extra, and then miss their hashes.
    "$python" -m pip install -qq --disable-pip-version-check --no-input --no-deps \
        --require-hashes --only-binary :all: --requirement "$root/requirements/$1.txt" >&2 ||
        die "the installation failed; the lines above say why. Nothing outside $venv was changed."
    install_checkout
    # What the tests need includes what the product needs.
    [ "$1" != dev ] || fingerprint runtime >"$venv/.cw-runtime"
    fingerprint "$1" >"$venv/.cw-$1"
    say "ready."
}

# Makes the environment hold lock file $1; silent and quick when it does already.
ensure() {
    ! is_current "$1" || return 0
    mkdir -p -- "$venv" 2>/dev/null || die "cannot write $venv; set CW_VENV to a folder that you may write."
    [ -w "$venv" ] || die "cannot write $venv; set CW_VENV to a folder that you may write."
    if command -v flock >/dev/null 2>&1; then
        # Two runs at once: the second waits, then finds the work done.
        exec 9>"$venv/.cw-lock"
        flock 9
        is_current "$1" || install_lock "$1"
        exec 9>&-
    else
        install_lock "$1"
    fi
}

# --- the client's tools -----------------------------------------------------------------

# The product needs no Node; checking the client's types and remaking what it carries do.
client=$root/build/client

need_node() {
    missing=''
    command -v node >/dev/null 2>&1 || missing=nodejs
    command -v npm >/dev/null 2>&1 || missing="$missing npm"
    # shellcheck disable=SC2086 - a list of packages
    [ -z "$missing" ] || need_packages 'the client is checked with Node 18 or newer and npm' $missing
}

# Installs tools/client/package-lock.json, by hash, beside the checkout's other products.
client_tools() {
    need_node
    sum=$(cat "$root/tools/client/package.json" "$root/tools/client/package-lock.json" | cksum)
    [ "$(cat "$client/.cw-client" 2>/dev/null)" != "$sum" ] || return 0
    say 'installing the tools of the web client (once) ...'
    mkdir -p "$client"
    cp "$root/tools/client/package.json" "$root/tools/client/package-lock.json" "$root/tools/client/.npmrc" "$client"
    (cd "$client" && npm ci --silent >&2) || die 'npm could not install the tools of tools/client/package-lock.json.'
    printf '%s\n' "$sum" >"$client/.cw-client"
}

# In a shell of its own: what is missing fails this gate, and the others still run.
check_client_types() (
    client_tools
    "$client/node_modules/.bin/tsc" --project "$root/tools/client/tsconfig.json"
)

vendor() {
    client_tools
    node "$root/tools/client/vendor.mjs" "$client/node_modules" "$root/src/cellwright/web/static/vendor"
}

# --- verbs ------------------------------------------------------------------------------

failed=''

gate() {
    name=$1
    shift
    printf '== %s\n' "$name"
    "$@" || failed="$failed $name,"
}

gates() {
    ensure dev
    cd "$root"
    if [ "${1:-}" = --fix ]; then
        "$python" -m ruff check --fix-only --quiet . || :
        "$python" -m ruff format --quiet . || :
    fi
    gate 'ruff check' "$python" -m ruff check .
    gate 'ruff format' "$python" -m ruff format --check .
    gate 'mypy' "$python" -m mypy
    gate 'import contracts' "$venv/bin/lint-imports" --no-logo
    gate 'client types' check_client_types
}

finish() {
    [ -z "$failed" ] || die "failed:${failed%,}"
}

# The browser tests drive Debian's Chromium; without a Chinese font its screenshots show boxes.
need_browser() {
    if ! command -v chromium >/dev/null 2>&1; then
        need_packages 'no Chromium for the browser tests' chromium fonts-noto-cjk
    elif command -v fc-list >/dev/null 2>&1 && [ -z "$(fc-list :lang=zh)" ]; then
        need_packages 'no Chinese font for the browser tests' fonts-noto-cjk
    fi
}

run_tests() {
    ensure dev
    if [ $# -gt 0 ]; then
        cd "$root"
        exec "$python" -m pytest "$@"
    fi
    need_browser
    gates
    # Much of a test's time is waiting for sockets, disks and pages: twice as many at once as there are processors.
    gate 'tests' "$python" -m pytest -n "$(($(nproc) * 2))" --dist worksteal --cov --cov-report term:skip-covered
    finish
}

renew_screenshots() {
    ensure dev
    need_browser
    cd "$root"
    CW_SCREENSHOTS=1 "$python" -m pytest -q tests/browser/test_every_page.py tests/browser/test_walk.py
    mkdir -p docs/images
    for name in overview-en-light line-en-dark pack-line-en-light pack-cells-en-dark pack-zh-light plant-zh-dark; do
        cp "build/screenshots/readme/$name.png" docs/images/
    done
    say 'every page is in build/screenshots; the pictures of the documentation in docs/images'
}

# A bench is a file tests/bench/NAME.py that prints JSON.
bench_names() {
    find "$root/tests/bench" -name '[a-z]*.py' 2>/dev/null | sed 's|.*/||; s|\.py$||' | sort
}

run_benches() {
    ensure runtime
    if [ $# -gt 0 ]; then
        name=$1
        shift
        [ -f "$root/tests/bench/$name.py" ] || die "no bench named $name; there are: $(bench_names | tr '\n' ' ')"
        exec "$python" "$root/tests/bench/$name.py" "$@"
    fi
    names=$(bench_names)
    [ -n "$names" ] || die 'no bench yet: a bench is a file tests/bench/NAME.py that prints JSON.'
    for name in $names; do
        "$python" "$root/tests/bench/$name.py"
    done
}

open_shell() {
    ensure dev
    VIRTUAL_ENV=$venv
    PATH=$venv/bin:$PATH
    export VIRTUAL_ENV PATH
    say "python and cellwright are this checkout's; leave with exit."
    exec "${SHELL:-/bin/sh}"
}

remake_locks() {
    ensure dev
    cd "$root"
    # The files must not say where packages came from: every machine uses its own settings.
    for name in runtime dev; do
        say "remaking requirements/$name.txt ..."
        CUSTOM_COMPILE_COMMAND='./cw lock' "$python" -m piptools compile --quiet --no-config \
            --generate-hashes --allow-unsafe --strip-extras --newline lf \
            --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
            "$@" --output-file "requirements/$name.txt" "requirements/$name.in"
    done
}

verb=${1:-help}
case $verb in
    help) usage ;;
    test)
        shift
        run_tests "$@"
        ;;
    lint)
        shift
        gates "$@"
        finish
        ;;
    bench)
        shift
        run_benches "$@"
        ;;
    docs)
        shift
        ensure runtime
        exec "$python" "$root/docs/build/site_builder.py" "$@"
        ;;
    screenshots) renew_screenshots ;;
    shell) open_shell ;;
    vendor) vendor ;;
    lock)
        shift
        remake_locks "$@"
        ;;
    *)
        ensure runtime
        exec "$python" -m cellwright "$@"
        ;;
esac
