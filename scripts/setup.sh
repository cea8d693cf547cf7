#!/usr/bin/env bash
# Makes .venv with everything DCN needs. `scripts/setup.sh runtime` or `scripts/setup.sh dev`.
set -euo pipefail
cd "$(dirname "$0")/.."
kind="${1:-runtime}"
stamp=".venv/.installed-$kind"
inputs="pyproject.toml constraints.txt scripts/setup.sh"

python="${PYTHON:-python3}"
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "dcn needs Python 3.11 or newer as '$python'; set PYTHON to one." >&2
  exit 3
fi

# py-libp2p requires fastecdsa, which has no wheel: it is compiled, against libgmp.
if ! command -v gcc >/dev/null || ! echo '#include <gmp.h>' | gcc -E - >/dev/null 2>&1 \
    || ! "$python" -c 'import sysconfig,os,sys; sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))' \
    || ! "$python" -c 'import ensurepip' 2>/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing gcc, libgmp-dev, python3-dev and python3-venv ..."
    apt-get update -q >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
      gcc libc6-dev libgmp-dev python3-dev python3-venv >/dev/null
  else
    echo "Please install: gcc, libgmp-dev, python3-dev, python3-venv (as root: apt-get install gcc libc6-dev libgmp-dev python3-dev python3-venv)" >&2
    exit 3
  fi
fi

# The tests of the page need a browser; where none may be installed they are skipped.
if [ "$kind" = dev ] && ! command -v chromium >/dev/null && [ "$(id -u)" = 0 ] \
    && command -v apt-get >/dev/null; then
  echo "installing chromium for the tests of the page ..."
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends chromium; } \
    >/dev/null 2>&1 || echo "chromium could not be installed: the tests of the page will be skipped" >&2
fi

fresh=1
[ -f "$stamp" ] || fresh=0
for file in $inputs; do [ "$file" -nt "$stamp" ] && fresh=0; done
if [ "$fresh" = 0 ]; then
  echo "setting up .venv ($kind) ..."
  [ -x .venv/bin/python ] || "$python" -m venv .venv
  target=".[export]"
  [ "$kind" = dev ] && target=".[dev]"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e "$target"
  touch "$stamp"
  [ "$kind" = dev ] && touch .venv/.installed-runtime
fi
exit 0
