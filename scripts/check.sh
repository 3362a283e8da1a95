#!/usr/bin/env bash
# Everything that can be judged without running the program. Runs all checks, then fails if one did.
# Arguments: files whose types are checked, rather than all.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=()
step() {
  local name=$1 said
  shift
  if said=$("$@" 2>&1); then echo "ok    $name"; else
    echo "FAIL  $name"
    echo "$said"
    failed+=("$name")
  fi
}
step format .venv/bin/ruff format --check --quiet .
step lint .venv/bin/ruff check --quiet .
step spelling .venv/bin/codespell components sandbox infra docs scripts README.md CHANGELOG.md CONTRIBUTING.md
step words .venv/bin/python scripts/words.py
step lengths .venv/bin/python scripts/lengths.py
step yaml .venv/bin/yamllint -s .
workflows=(.github/workflows/*.yaml examples/ci/*.yaml)
step workflows .venv/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows "${workflows[@]}"
step "workflows' safety" .venv/bin/zizmor --offline --quiet --persona pedantic "${workflows[@]}"
step layers .venv/bin/lint-imports
step capabilities .venv/bin/python scripts/capabilities.py --check
step schema .venv/bin/python -m llmplatform.specs.schema --check
step dashboards .venv/bin/python -m dashboards --check
step reference .venv/bin/python scripts/reference.py --check
step types .venv/bin/pyright "$@"
[ ${#failed[@]} -eq 0 ] || {
  echo "failed: ${failed[*]}" >&2
  exit 1
}
