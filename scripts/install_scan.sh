#!/usr/bin/env bash
# Makes .venv-scan, the environment of checkov. Uses uv where it is installed, else pip.
set -euo pipefail
cd "$(dirname "$0")/.."
echo "Installing into .venv-scan …"
if command -v uv >/dev/null; then
  [ -x .venv-scan/bin/python ] || uv venv --quiet --python "${PYTHON:-python3}" .venv-scan
  uv pip install --quiet --python .venv-scan/bin/python --require-hashes -r requirements/scan.txt
else
  [ -x .venv-scan/bin/python ] || "${PYTHON:-python3}" -m venv .venv-scan
  .venv-scan/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/scan.txt
fi
touch .venv-scan/.ready
