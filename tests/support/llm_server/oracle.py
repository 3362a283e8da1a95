"""Answers of the library alone: `python oracle.py FOLDER < prompts.json`, one request at a time, without any server.

Reads a list of {"prompt": TEXT | MESSAGES, "max_tokens": N}, writes the list of their texts.
"""

import json
import sys

from mlx_lm import generate, load


def main(folder: str) -> None:
    """Answers what comes on standard input."""
    model, tokenizer = load(folder)[:2]
    answers: list[str] = []
    for asked in json.load(sys.stdin):
        prompt = asked["prompt"]
        if not isinstance(prompt, str):
            prompt = tokenizer.apply_chat_template(prompt, add_generation_prompt=True)
        answers.append(generate(model, tokenizer, prompt, max_tokens=asked["max_tokens"]))
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
