"""The page on what the simulated clouds do that no source outside this project says."""

from llmplatform_sandbox.cloud.facts import load

CLOUDS = {"aws": "AWS", "alicloud": "Alibaba Cloud"}
_HEAD = """# What the sandbox assumes

Its clouds are written from the providers' sources, the services' models and their documentation, and each row says
where it was read. These are the exceptions: nobody outside says so, and a real account may differ.
"""


def rows(package: str) -> list[tuple[str, str, str]]:
    """(type, what, how it is assumed) of a cloud."""
    return [
        (name, what, how)
        for name, facts in sorted(load(package).types.items())
        for what, how in sorted(facts.assumed.items())
    ]


def text() -> str:
    """The whole page."""
    parts = [_HEAD]
    for package, name in CLOUDS.items():
        found = rows(package)
        parts.append(f"## {name}: {len(found)} of {len(load(package).types)} types' rows\n")
        parts.append("| Type | What | Assumed |\n|---|---|---|")
        parts.extend(f"| `{type_}` | {what} | {how} |" for type_, what, how in found)
        parts.append("")
    return "\n".join(parts)
