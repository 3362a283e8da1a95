#!/usr/bin/env bash
# Makes .venv: pinned requirements by hash, then both distributions, editable. Uses uv where it is installed, else pip.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
command -v "$python" >/dev/null || {
  echo "$python: no such program; set PYTHON to Python 3.11 or newer" >&2
  exit 2
}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "$python is $("$python" -V 2>&1 | cut -d' ' -f2); llmplatform needs Python 3.11 or newer: set PYTHON to one" >&2
  exit 2
}
# What another Python was laid over (`pulumi install` does so) has an interpreter that starts and lacks half of itself.
if [ -d .venv/bin ] && ! .venv/bin/python -c 'import binascii, csv, ssl, zlib' 2>/dev/null; then
  echo "The Python in .venv is broken: removing .venv"
  rm -rf .venv
fi
say() { printf '  %s … %s s\n' "$1" "$SECONDS"; }
echo "Installing into .venv: about two minutes"
say "pinned requirements"
if command -v uv >/dev/null; then
  [ -x .venv/bin/python ] || uv venv --quiet --python "$python" .venv
  uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements/dev.txt
  uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e components -e sandbox
else
  [ -x .venv/bin/python ] || "$python" -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e components -e sandbox
fi
say "bytecode"
# The SDKs are large: with bytecode they load three times as fast. Neither uv nor an environment that forbids writing it
# (PYTHONDONTWRITEBYTECODE, usual in containers) would ever make any, so that what is used is loaded once here.
env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -c 'import llmplatform.addons, llmplatform.alicloud, llmplatform.aws
import llmplatform.serving, llmplatform_sandbox.commands, llmplatform_sandbox.world'
touch .venv/.ready
