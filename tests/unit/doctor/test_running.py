"""How the checks of an account are run: side by side, each within a time, none with an exception."""

from typing import Any

from support.doctor import recorded
from support.doctor.aws_doctor import CHECKS, identity, wanted
from support.doctor.doctor_proofs import only

from llmplatform.doctor import known
from llmplatform.doctor.checks import NoAnswer
from llmplatform.doctor.running import run_account


def test_where_the_account_is_another_nothing_more_is_asked() -> None:
    ask = recorded.aws(GetCallerIdentity=identity(account="999900001111"))
    results = run_account(known.AWS, wanted(), ask)
    assert {result.skipped for result in results if not result.check.gate} == {"account is red"}


def test_an_answer_that_never_comes_is_yellow_after_a_time() -> None:
    import threading

    over = threading.Event()

    def never(action: str, /, **parameters: Any) -> Any:
        over.wait(20)
        raise NoAnswer(action)

    try:
        [result] = run_account([CHECKS["zones"]], wanted(), never, patience=0.05)
    finally:
        over.set()
    assert only(result).level == "yellow"
    assert "no answer" in only(result).text


def test_an_answer_of_another_shape_is_yellow_and_no_traceback() -> None:
    [result] = run_account([CHECKS["zones"]], wanted(), lambda action, **_: {"Something": "else"})
    assert only(result).level == "yellow"
    assert "not what the service documents" in only(result).text
