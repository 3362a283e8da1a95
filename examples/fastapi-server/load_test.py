"""Load on one or more replicas: `python load_test.py http://127.0.0.1:8000 --requests 1000 --concurrency 100`.

Needs httpx. Several addresses are replicas of one Service: a request goes to any that is ready. An answer counts when
it is whole: status 200, and for a stream also its last event. Nothing is tried again.
"""

import argparse
import asyncio
import json
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from statistics import quantiles
from typing import Any

import httpx

NEW_TEXT = re.compile(r'"content":"[^"]')
PATIENCE = 120
"""Seconds until an answer counts as lost."""
PROBE_SECONDS = 0.2
PROMPT = "Tell me, number {}, what a server does with a signal. "


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of request, and how often it comes."""

    path: str
    weight: int
    body: dict[str, Any]

    @property
    def streams(self) -> bool:
        """Whether its answer is a stream."""
        return self.body.get("stream", False)

    def filled(self, number: int) -> dict[str, Any]:
        """The body of one request: prompts of different lengths."""
        text = PROMPT.format(number) * (1 + number % 4)
        return {key: _fill(value, text) for key, value in self.body.items()}


def _fill(value: Any, text: str) -> Any:
    if value == "PROMPT":
        return text
    return [{"role": "user", "content": text}] if value == "MESSAGES" else value


def kinds(model: str, embedding_model: str, tokens: int) -> list[Kind]:
    """What clients of a server like this send."""
    chat = {"model": model, "messages": "MESSAGES", "max_tokens": tokens}
    return [
        Kind(path="/v1/chat/completions", weight=6, body={**chat, "stream": True}),
        Kind(path="/v1/chat/completions", weight=2, body=chat),
        Kind(path="/generate", weight=1, body={"prompt": "PROMPT", "max_tokens": tokens}),
        Kind(path="/v1/embeddings", weight=1, body={"model": embedding_model, "input": "PROMPT"}),
    ]


class Replicas:
    """The replicas that are ready, as a Service knows them."""

    def __init__(self, clients: list[httpx.AsyncClient]) -> None:
        self._clients = clients
        self._ready: list[httpx.AsyncClient] = []

    async def probe(self) -> None:
        """Asks all of them."""
        self._ready = [client for client in self._clients if await self._answers(client)]

    async def watch(self) -> None:
        """Asks again and again."""
        while True:
            await self.probe()
            await asyncio.sleep(PROBE_SECONDS)

    def pick(self) -> httpx.AsyncClient:
        """Any ready one. Without one there is no answer to hope for."""
        if not self._ready:
            raise ConnectionError("no replica is ready")
        return random.choice(self._ready)  # noqa: S311 - not a secret

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get("/ready")).status_code == 200
        except httpx.HTTPError:
            return False


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one request went. Times are seconds."""

    seconds: float
    first_token: float | None = None
    error: str | None = None


async def send(client: httpx.AsyncClient, kind: Kind, number: int) -> Result:
    """One request."""
    began = time.perf_counter()
    first = None
    async with client.stream("POST", kind.path, json=kind.filled(number)) as response:
        lines: list[str] = []
        async for line in response.aiter_lines():
            if kind.streams and first is None and NEW_TEXT.search(line):
                first = time.perf_counter() - began
            lines.extend([line] if line else [])
    seconds = time.perf_counter() - began
    if response.status_code != 200:
        return Result(seconds=seconds, error=f"status {response.status_code}")
    if kind.streams and (not lines or lines[-1] != "data: [DONE]"):
        return Result(seconds=seconds, error="a stream without its end")
    return Result(seconds=seconds, first_token=first)


@dataclass(frozen=True, kw_only=True)
class Report:
    """All requests together. Times are seconds: 50th, 95th and 99th percentile."""

    requests: int
    errors: dict[str, int]
    per_second: float
    duration: tuple[float, float, float]
    first_token: tuple[float, float, float]

    @classmethod
    def of(cls, results: list[Result], seconds: float) -> "Report":
        """The report on some results."""
        return cls(
            requests=len(results),
            errors=dict(Counter(result.error for result in results if result.error)),
            per_second=round(len(results) / seconds, 1),
            duration=_percentiles([result.seconds for result in results if not result.error]),
            first_token=_percentiles([result.first_token for result in results if result.first_token]),
        )


def _percentiles(values: list[float]) -> tuple[float, float, float]:
    if len(values) < 2:
        return (0, 0, 0)
    cuts = quantiles(values, n=100)
    return round(cuts[49], 3), round(cuts[94], 3), round(cuts[98], 3)


async def load(addresses: list[str], *, requests: int, concurrency: int, mix: list[Kind], key: str | None) -> Report:
    """Sends so many requests, so many at once."""
    async with AsyncExitStack() as stack:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(
                    base_url=address,
                    headers=headers,
                    timeout=PATIENCE,
                    limits=httpx.Limits(max_connections=concurrency + 1, max_keepalive_connections=concurrency),
                )
            )
            for address in addresses
        ]
        replicas = Replicas(clients)
        await replicas.probe()
        watcher = asyncio.create_task(replicas.watch())
        schedule = random.Random(0).choices(mix, [kind.weight for kind in mix], k=requests)  # noqa: S311 - not a secret
        results: list[Result] = []

        async def client(work: Iterator[tuple[int, Kind]]) -> None:
            for number, kind in work:
                began = time.perf_counter()
                try:
                    results.append(await send(replicas.pick(), kind, number))
                except (httpx.HTTPError, ConnectionError) as error:
                    results.append(Result(seconds=time.perf_counter() - began, error=type(error).__name__))

        work, began = iter(enumerate(schedule)), time.perf_counter()
        await asyncio.gather(*(client(work) for _ in range(concurrency)))
        watcher.cancel()
        return Report.of(results, time.perf_counter() - began)


def main() -> int:
    """Prints the report as JSON. 1 if an answer was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("addresses", nargs="+")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--concurrency", type=int, default=100)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--embedding-model", default="wordllama")
    parser.add_argument("--tokens", type=int, default=16, help="longest answer")
    asked = parser.parse_args()
    report = asyncio.run(
        load(
            asked.addresses,
            requests=asked.requests,
            concurrency=asked.concurrency,
            mix=kinds(asked.model, asked.embedding_model, asked.tokens),
            key=os.environ.get("API_KEY"),
        )
    )
    print(json.dumps(asdict(report), indent=2))
    return 1 if report.errors else 0


if __name__ == "__main__":
    sys.exit(main())
