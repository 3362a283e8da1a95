"""Writes the page of the sandbox's assumptions: facts without a source."""

from llmplatform_sandbox.fact_tables import rows

_HEAD = """# What the sandbox assumes

This page lists the sandbox's assumptions: facts without a source, where a real account may differ. All other facts cite
the providers' sources, the services' models or published pages; `llmplatform sandbox facts` lists them.
"""


def text() -> str:
    """The whole page."""
    parts = [_HEAD, "| Table | Row | What | Assumed |\n|---|---|---|---|"]
    parts += [
        f"| {row.table} | `{row.name}` | {what} | {how} |"
        for row in rows()
        for what, how in sorted(row.cited.assumed.items())
    ]
    return "\n".join(parts)
