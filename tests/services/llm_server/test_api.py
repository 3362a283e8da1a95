"""What clients get: judged by OpenAI's own client, and by the library's answers without a server."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.llm_server.environment import run
from support.llm_server.process import Running

PROMPTS = [f"Question {number}: " + "why? " * (number % 7) for number in range(48)]
GREEDY = {"max_tokens": 24, "temperature": 0}


def post(server: Running, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    return httpx.post(server.url + path, json=body, headers=headers, timeout=60)


def chat(**changes: Any) -> dict[str, Any]:
    return {"model": "tiny", "messages": [{"role": "user", "content": "What is a pod?"}], **GREEDY, **changes}


def events(response: httpx.Response) -> Iterator[dict[str, Any]]:
    lines = [line for line in response.text.splitlines() if line]
    assert lines[-1] == "data: [DONE]"
    yield from (json.loads(line.removeprefix("data: ")) for line in lines[:-1])


def test_the_official_client_understands_every_answer(server: Running) -> None:
    understood = json.loads(run("openai_client.py", server.url))
    assert understood.pop("models") == ["tiny", "wordllama"]
    usage = understood.pop("usage")
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] == understood["streamed_usage"]
    assert understood["text"] == understood.pop("streamed")
    assert understood["finish_reason"] == understood["streamed_reason"]
    assert understood["dimensions"] == [256, 256]
    assert understood["faults"] == ["NotFoundError", "BadRequestError"]


def test_a_batch_gives_each_request_the_answer_that_it_gets_alone(server: Running, model: Path) -> None:
    alone = json.loads(
        run("oracle.py", model, given=json.dumps([{"prompt": each, "max_tokens": 24} for each in PROMPTS]))
    )
    assert len(set(alone)) > len(PROMPTS) / 2, "prompts with one answer would prove nothing"
    with ThreadPoolExecutor(len(PROMPTS)) as pool:
        answers = pool.map(
            lambda prompt: post(server, "/generate", {"prompt": prompt, **GREEDY}).json()["text"], PROMPTS
        )
    assert list(answers) == alone


def test_a_conversation_is_told_in_the_models_own_template(server: Running, model: Path) -> None:
    asked = chat()
    alone = json.loads(run("oracle.py", model, given=json.dumps([{"prompt": asked["messages"], "max_tokens": 24}])))
    answer = post(server, "/v1/chat/completions", asked).json()
    assert [answer["choices"][0]["message"]["content"]] == alone


@pytest.mark.parametrize("path", ["/generate", "/v1/chat/completions"])
def test_a_stream_has_the_text_of_the_whole_answer(server: Running, path: str) -> None:
    body = chat() if path.startswith("/v1") else {"prompt": PROMPTS[5], **GREEDY}
    whole = post(server, path, body).json()
    parts = list(events(post(server, path, {**body, "stream": True})))
    if path == "/generate":
        assert "".join(part["text"] for part in parts) == whole["text"]
        assert parts[-1]["finish_reason"] == whole["finish_reason"]
    else:
        assert (
            "".join(part["choices"][0]["delta"]["content"] for part in parts)
            == whole["choices"][0]["message"]["content"]
        )
        assert parts[-1]["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]


def test_a_short_request_joins_a_running_batch_and_leaves_it_first(server: Running) -> None:
    long = {"prompt": "c", "max_tokens": 4000, "temperature": 0, "stream": True}
    with httpx.stream("POST", f"{server.url}/generate", json=long, timeout=60) as response:
        lines = response.iter_lines()  # without a reference httpx would close it
        next(lines)
        assert post(server, "/generate", {"prompt": PROMPTS[1], **GREEDY}).status_code == 200
        assert server.metric("llm_running_requests", model="tiny") == 1


def test_an_answer_ends_before_a_stop_text(server: Running) -> None:
    whole = post(server, "/generate", {"prompt": PROMPTS[1], **GREEDY}).json()["text"]
    stop = whole[8:11]
    cut = post(server, "/generate", {"prompt": PROMPTS[1], **GREEDY, "stop": [stop, "never"]}).json()
    assert (cut["text"], cut["finish_reason"]) == (whole[: whole.index(stop)], "stop")
    assert cut["usage"]["completion_tokens"] < 24


def test_an_answer_is_as_long_as_the_context_allows(server: Running) -> None:
    answer = post(server, "/generate", {"prompt": "a" * 4090, "max_tokens": 500, "temperature": 0}).json()
    assert answer["usage"]["total_tokens"] <= 4096
    assert answer["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"model": "gpt"}, 404, "serves tiny"),
        ({"n": 2}, 400, "n: "),
        ({"tools": [{"type": "function"}]}, 400, "tools: "),
        ({"temperature": 3}, 400, "temperature: "),
        ({"messages": []}, 400, "messages: "),
        ({"messages": [{"role": "user", "content": "secret " * 600}]}, 400, "are possible"),
        (
            {"messages": [{"role": "user", "content": "secret"}, {"role": "system", "content": "b"}]},
            400,
            "system comes first",
        ),
        ({"messages": "secret"}, 400, "messages"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(server: Running, change: dict[str, Any], status: int, told: str) -> None:
    response = post(server, "/v1/chat/completions", chat(**change))
    assert response.status_code == status
    assert told in response.json()["error"]["message"]
    assert "secret" not in response.text, "an error repeats no prompt"


def test_embeddings_of_like_texts_are_near(server: Running) -> None:
    texts = ["The cat sits on the mat.", "A kitten is lying on a rug.", "Interest rates rose again."]
    answer = post(server, "/v1/embeddings", {"model": "wordllama", "input": texts}).json()
    cat, kitten, rates = (each["embedding"] for each in answer["data"])
    assert sum(value * value for value in cat) == pytest.approx(1, abs=1e-3)
    assert _product(cat, kitten) > _product(cat, rates) + 0.2
    single = post(server, "/v1/embeddings", {"model": "wordllama", "input": texts[0]}).json()
    assert single["data"][0]["embedding"] == pytest.approx(cat, abs=1e-5)
    assert 0 < single["usage"]["prompt_tokens"] < answer["usage"]["prompt_tokens"]


def _product(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
