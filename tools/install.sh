#!/bin/sh
# Set up .venv: every package of requirements.lock by hash, then Tranship itself, editable. Run by `make install`.
#
# It needs python3 (3.11 or newer) and nothing else; plain pip is the path that always works, `uv` on PATH a faster one.
# A second run finds its stamp and ends at once; a changed lock, project file or folder installs again; a run that was
# interrupted leaves its marker behind, and the next one starts from an empty .venv.
#
#   PYTHON=python3.12  use this interpreter         TRANSHIP_NO_UV=1  use pip even where uv is present
set -eu
cd "$(dirname "$0")/.."

venv=.venv
stamp=$venv/.tranship-installed
marker=$venv/.tranship-installing

fingerprint() { # of everything an installation follows from; cksum is in POSIX, so it is everywhere
    { cat requirements.lock pyproject.toml tools/install.sh; pwd; } | cksum
}

say() { printf 'tranship: %s\n' "$*" >&2; }

fit() { # is $1 an interpreter that runs and is new enough?
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2])' >/dev/null 2>&1
}

choose_python() {
    for name in ${PYTHON:-python3 python3.13 python3.12 python3.14 python3.11}; do
        if fit "$name"; then
            # The one below any virtual environment that is active: .venv itself may be, and is about to be replaced.
            "$name" -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))'
            return
        fi
    done
    say "needs Python 3.11 or newer; found: $("${PYTHON:-python3}" --version 2>&1 | head -n 1). Set PYTHON=/path/to/python3.x"
    exit 1
}

make_venv() { # an empty virtual environment that carries the marker until everything is in it
    rm -rf "$venv"
    if [ "$fast" = yes ]; then
        uv venv --quiet --python "$python" "$venv"
        : >"$marker"
        return
    fi
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        say "this Python has no ensurepip (Debian and Ubuntu package it apart). This line cures it, then run make again:"
        printf '    apt-get install %s-venv\n' "$(basename "$python")" >&2
        exit 1
    fi
    mkdir -p "$venv"
    : >"$marker"
    "$python" -m venv "$venv"
}

install_packages() {
    if [ "$fast" = yes ]; then
        uv pip install --quiet --python "$venv/bin/python" --require-hashes --no-deps --only-binary :all: -r requirements.lock
        uv pip install --quiet --python "$venv/bin/python" --offline --no-deps --no-build-isolation -e .
    else
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
            --only-binary :all: -r requirements.lock
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
            --no-build-isolation -e .
    fi
}

usable() { # is there an environment that this way of installing can go on with?
    [ ! -e "$marker" ] && fit "$venv/bin/python" || return 1
    [ "$fast" = yes ] || "$venv/bin/python" -m pip --version >/dev/null 2>&1
}

if command -v flock >/dev/null 2>&1; then # two makes at once: the second waits for the first
    exec 9<tools/install.sh
    flock 9
fi

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ] && [ -x "$venv/bin/tranship" ]; then
    exit 0
fi

# Without .pyc files every start of the program compiles numba and the rest again: twice as slow.
unset PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME VIRTUAL_ENV || true
export UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never

fast=no
if [ -z "${TRANSHIP_NO_UV:-}" ] && uv --version >/dev/null 2>&1; then
    fast=yes
fi
python=$(choose_python)

if ! usable; then
    say "setting up $venv with $("$python" --version) ($([ "$fast" = yes ] && echo uv || echo "pip; takes a minute or two"))"
    make_venv
fi
rm -f "$stamp"
: >"$marker"
install_packages
"$venv/bin/python" -m compileall -q src || true
fingerprint >"$stamp"
rm -f "$marker"
say "ready: $venv/bin/tranship"
