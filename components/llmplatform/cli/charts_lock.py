"""`charts.lock`: the digest of every accepted chart archive."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from llmplatform.catalog.versions import Chart
from llmplatform.checks.archives import lock_key, locked
from llmplatform.cli.chart_sources import ChartError


@dataclass
class Lock:
    """Chart and version to the archive's SHA-256, in hexadecimal."""

    path: Path
    digests: dict[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def read(cls, path: Path) -> "Lock":
        """The lock of a project; empty without a file."""
        try:
            return cls(path, locked(path))
        except ValueError as error:
            raise ChartError(f"{path}: {error}; restore the committed file") from None

    def holds(self, chart: Chart, data: bytes) -> bool:
        """Whether this archive is the recorded one."""
        return self.digests.get(lock_key(chart)) == hashlib.sha256(data).hexdigest()

    def admit(self, chart: Chart, data: bytes) -> None:
        """Record an archive, or raise if another one is recorded for the same version."""
        found = hashlib.sha256(data).hexdigest()
        known = self.digests.setdefault(lock_key(chart), found)
        if known != found:
            raise ChartError(
                f"{chart.name} {chart.version}: the archive's SHA-256 is {found}, charts.lock has {known}; "
                "a published chart never changes: find out why before you remove the line"
            )

    def write(self) -> None:
        """Write the file, sorted, so that a diff shows what changed."""
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(dict(sorted(self.digests.items())), indent=2) + "\n")
        partial.replace(self.path)
