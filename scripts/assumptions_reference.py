"""The page on what the sandbox does that no source outside this project says."""

from llmplatform_sandbox.fact_tables import rows

_HEAD = """# What the sandbox assumes

Its clouds follow the providers' sources, the services' models and published pages; `llmplatform sandbox facts` lists
each row with its citation. Here are the exceptions: no source says so, and a real account may differ.
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
