"""The measured machine."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from llmplatform_sandbox.toolchain import PULUMI, ensure


def machine() -> dict[str, Any]:
    """Processors, memory (GiB), system, and the versions of what runs on it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processors": os.cpu_count(),
        "processor": _processor(),
        "memory_gib": round(memory),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "pulumi": version("pulumi"),
        "engine": ensure([PULUMI]).versions["pulumi"].removeprefix("v"),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
