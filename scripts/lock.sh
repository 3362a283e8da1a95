#!/usr/bin/env bash
# Pins every requirement with its hashes and names no index, so that any mirror of PyPI serves it.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v uv >/dev/null || {
  echo "uv is missing: install it with 'pip install uv'" >&2
  exit 2
}
# psycopg2-binary has its module, and needs no compiler.
without="--no-emit-package psycopg2"
own=examples/fastapi-server/requirements
for set in requirements/{run,dev,scan,mlflow,barman,valkey} "$own"/{cpu,cuda,test} examples/milvus/requirements/{client,test}; do
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $without \
    --output-file "$set.txt" "$set.in"
done
