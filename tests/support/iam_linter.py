"""Lints IAM policy documents with parliament, which knows AWS's service authorization reference."""

import sys
import warnings
from functools import lru_cache
from importlib.resources import files
from types import ModuleType
from typing import Any


@lru_cache(maxsize=1)
def _parliament() -> Any:
    """The library, which still wants setuptools' `pkg_resources`, and leaves files open while it loads."""
    stand_in = ModuleType("pkg_resources")
    stand_in.resource_filename = lambda package, path: str(files(package).joinpath(path))  # type: ignore[attr-defined]
    sys.modules["pkg_resources"] = stand_in
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import parliament
    finally:
        del sys.modules["pkg_resources"]
    return parliament


def findings(policy: str) -> list[str]:
    """What is wrong with a policy, one line each: unknown actions, mismatched resources, bad conditions."""
    analysed = _parliament().analyze_policy_string(policy)
    return sorted(f"{found.issue}: {found.detail}" for found in analysed.findings)
