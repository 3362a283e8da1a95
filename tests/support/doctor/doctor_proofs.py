"""What each check of an account has to show: red with a remedy, green where all is well, and what it may not ask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from llmplatform.doctor.checks import Ask, Check, Denied, Finding, Result
from llmplatform.doctor.running import run_check
from llmplatform.doctor.wanted import Wanted


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Answers that make a check red, what it says and advises then, and those of an account where all is well."""

    red: Mapping[str, Any]
    text: str
    remedy: str
    green: Mapping[str, Any]
    of: Wanted | None = None
    """The stack that is looked at; none: `prod`, or `prod-ack`."""


@dataclass(frozen=True)
class Proofs:
    """Holds checks to their proofs. `answering`: makes an account of answers; `usual`: the stack that is looked at."""

    answering: Callable[..., Ask]
    usual: Callable[[], Wanted]

    def ran(self, check: Check, of: Wanted | None = None, **answers: Any) -> Result:
        """A check's result with those answers."""
        return run_check(check, of or self.usual(), self.answering(**answers))

    def shows_red(self, check: Check, proof: Proof) -> None:
        """It says what is wrong and what to do."""
        result = self.ran(check, proof.of, **proof.red)
        told = [each for each in result.findings if each.level == "red"]
        assert any(proof.text in each.text and proof.remedy in each.remedy for each in told), result.findings

    def shows_green(self, check: Check, proof: Proof) -> None:
        """It finds nothing to do."""
        result = self.ran(check, proof.of, **proof.green)
        assert result.level == "green", result.findings

    def shows_what_is_denied(self, check: Check, proof: Proof) -> None:
        """Without rights it names the action, and how to go on without."""
        denied = {action.partition(":")[2]: Denied(action) for action in check.actions}
        finding = only(self.ran(check, proof.of, **denied))
        assert finding.level == "yellow"
        assert any(action in finding.text for action in check.actions)
        assert f"--skip {check.name}" in finding.remedy


def named(check: Check) -> str:
    """How a test of it is called."""
    return check.name


def only(result: Result) -> Finding:
    """The one finding of the worst level."""
    [finding] = [each for each in result.findings if each.level == result.level]
    return finding
