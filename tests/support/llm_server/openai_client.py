"""OpenAI's own client against a server: `python openai_client.py URL`. Prints as JSON what it understood."""

import json
import sys
from typing import Any

from openai import BadRequestError, NotFoundError, OpenAI

MESSAGES: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is a pod?"}]
ASKED: Any = {"model": "tiny", "messages": MESSAGES, "max_tokens": 24, "temperature": 0}


def main(url: str) -> None:
    """Asks everything that it can."""
    client = OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
    whole = client.chat.completions.create(**ASKED)
    chunks = list(client.chat.completions.create(**ASKED, stream=True, stream_options={"include_usage": True}))
    vectors = client.embeddings.create(model="wordllama", input=["a pod", "a node"])  # it asks for base64
    faults: list[str] = []
    for wrong in ({**ASKED, "model": "other"}, {**ASKED, "n": 2}):
        try:
            client.chat.completions.create(**wrong)
        except (NotFoundError, BadRequestError) as error:
            faults.append(type(error).__name__)
    understood = {
        "models": [model.id for model in client.models.list()],
        "text": whole.choices[0].message.content,
        "finish_reason": whole.choices[0].finish_reason,
        "usage": whole.usage and whole.usage.model_dump(include={"prompt_tokens", "completion_tokens", "total_tokens"}),
        "streamed": "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices),
        "streamed_reason": [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1],
        "streamed_usage": chunks[-1].usage and chunks[-1].usage.total_tokens,
        "dimensions": [len(each.embedding) for each in vectors.data],
        "faults": faults,
    }
    json.dump(understood, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
