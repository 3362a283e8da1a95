"""Steps that only an account's owner can do before the first update, from `data/preparation.csv`."""

from dataclasses import dataclass
from functools import lru_cache

from llmplatform.catalog.tables import rows


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step, once for an account."""

    kind: str
    """`service` (activate), `role` (authorise), `quota` (raise) or `identity` (of the user that runs Pulumi)."""
    name: str
    purpose: str
    """What fails without it."""
    needed: str
    """`always`, or the settings that need it, with blanks between them."""


@lru_cache
def steps(provider: str) -> tuple[Step, ...]:
    """The steps of a cloud, in order; empty for a cloud without a list."""
    return tuple(
        Step(kind=row["kind"], name=row["name"], purpose=row["purpose"], needed=row["needed"])
        for row in rows("preparation")
        if row["provider"] == provider
    )


def markdown(provider: str) -> str:
    """The steps as a table, for the documentation."""
    lines = ["| Kind | What | For | Needed |", "|---|---|---|---|"]
    lines += [f"| {step.kind} | {_code(step)} | {step.purpose} | {_needed(step)} |" for step in steps(provider)]
    return "\n".join(lines)


def _code(step: Step) -> str:
    return f"`{step.name}`" if step.kind == "role" else step.name


def _needed(step: Step) -> str:
    return step.needed if step.needed == "always" else ", ".join(f"`{each}`" for each in step.needed.split())
