"""The check of words finds a word wherever it stands, and every finding says what to write."""

from pathlib import Path

import pytest
import words


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Ask whoever made it.", "whoever"),
        ("Nobody waits.", "nobody"),
        ("the same for those\nwho wait", "those who"),
        ("two zones, of which one is full", "of which"),
        ("# two zones, of\n# which one is full", "of which"),
        ("def test_nobody_waits() -> None:", "nobody"),
        ("def two_of_which_wait():", "of which"),
    ],
)
def test_a_word_is_found_in_sentences_comments_and_names(text: str, word: str) -> None:
    assert [found for _, found in words.faults(f"\n{text}")] == [word]
    assert [line for line, _ in words.faults(f"\n{text}")] == [2], "the line where it begins"


@pytest.mark.parametrize(
    "text", ["those whose turn it is", "which of them", "of what", "anybodys", "the body", "which brings"]
)
def test_other_words_pass(text: str) -> None:
    assert not list(words.faults(text))


def test_a_finding_names_file_line_and_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(words, "ROOT", tmp_path)
    (tmp_path / "page.md").write_text("One.\nSomebody acts.\n")
    assert words.main(["page.md"]) == 1
    assert "page.md:2: 'somebody': name the actor" in capsys.readouterr().out
