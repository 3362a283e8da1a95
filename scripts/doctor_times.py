"""Measures `llmplatform doctor` for each committed stack without an account: wall-clock and processor time.

python scripts/doctor_times.py
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST_SECONDS = 2.0


def main() -> int:
    """Prints a line for each stack; 1 if one takes too long."""
    slow = 0
    for path in sorted(ROOT.glob("Pulumi.*.yaml")):
        stack, before, began = path.name.split(".")[1], _processor(), time.monotonic()
        command = [Path(sys.executable).with_name("llmplatform"), "doctor", stack, "--offline", "--json"]
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
        seconds, processor = time.monotonic() - began, _processor() - before
        slow += processor > MOST_SECONDS
        print(f"{stack}: {seconds:.2f} s, {processor:.2f} s of processor")
    return 1 if slow else 0


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
