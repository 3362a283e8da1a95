"""Runs checks: those of an account in parallel, each with a time limit; exceptions become findings."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import Any

from llmplatform.doctor.checks import Absent, Ask, Check, Denied, Finding, NoAnswer, Result, one_line, red, yellow
from llmplatform.doctor.wanted import Wanted

AT_ONCE = 8
PATIENCE = 60.0
"""Seconds for all checks of an account together. A single call gives up long before."""


class Undeclared(Exception):
    """A check called an action that it does not declare: a bug of ours, which tests find."""


def no_account(action: str, /, **parameters: Any) -> Any:
    """The account of checks without an account: it refuses every call."""
    raise Undeclared(action)


def run_check(check: Check, wanted: Wanted, ask: Ask = no_account) -> Result:
    """The result of one check. A missing answer of the account is a finding."""
    began = time.monotonic()

    def declared(action: str, /, **parameters: Any) -> Any:
        if action not in check.actions:
            raise Undeclared(f"{check.name}: {action}")
        return ask(action, **parameters)

    findings: list[Finding] = []
    try:
        findings.extend(check.run(wanted, declared))
    except Denied as error:
        findings.append(
            yellow(
                f"not looked at: the credentials may not {error.action}",
                f"grant it (docs/reference/checks.md has them all), or pass --skip {check.name}",
            )
        )
    except (Absent, NoAnswer) as error:
        findings.append(yellow(f"not looked at: {error}", f"run it again, or pass --skip {check.name}"))
    return Result(check=check, findings=tuple(findings), seconds=time.monotonic() - began)


def run_account(
    checks: Sequence[Check],
    wanted: Wanted,
    ask: Ask,
    told: Callable[[Result], None] = lambda result: None,
    patience: float = PATIENCE,
) -> list[Result]:
    """Results of the account's checks, in order. `told`: receives each result as soon as it is complete."""
    results: dict[str, Result] = {}
    for check in (each for each in checks if each.gate):
        results[check.name] = run_whatever_comes(check, wanted, ask)
        told(results[check.name])
    closed = next((result for result in results.values() if result.level == "red"), None)
    rest = [each for each in checks if not each.gate]
    if closed:
        for check in rest:
            results[check.name] = Result(check=check, skipped=f"{closed.check.name} is red")
        return [results[check.name] for check in checks]
    pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="doctor")
    try:
        begun = [(check, pool.submit(run_whatever_comes, check, wanted, ask)) for check in rest]
        end = time.monotonic() + patience
        for check, future in begun:
            try:
                results[check.name] = future.result(max(0.0, end - time.monotonic()))
            except TooLate:
                late = yellow(
                    f"not looked at: no answer within {patience:.0f} s", f"run it again, or pass --skip {check.name}"
                )
                results[check.name] = Result(check=check, findings=(late,), seconds=patience)
            told(results[check.name])
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return [results[check.name] for check in checks]


def run_whatever_comes(check: Check, wanted: Wanted, ask: Ask = no_account) -> Result:
    """A check's result, whatever its account answers, or this machine has."""
    try:
        return run_check(check, wanted, ask)
    except Undeclared:
        raise
    except Exception as error:
        odd = red if check.gate else yellow
        what = "it failed" if check.offline else "the answer is not what the service documents"
        said = odd(
            f"not looked at: {what} ({type(error).__name__}: {one_line(error)})",
            f"report it, and pass --skip {check.name}",
        )
        return Result(check=check, findings=(said,))
