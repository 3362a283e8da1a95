"""Write the account preparation of each cloud into docs/clouds.md, from the catalog.

python scripts/preparation_table.py
"""

import re
from pathlib import Path

from llmplatform.catalog.preparation import markdown

TARGET = Path(__file__).parent.parent / "docs/clouds.md"
BLOCK = re.compile(r"(<!-- preparation of (\w+) -->\n).*?(\n<!-- end -->)", re.DOTALL)


def rendered(text: str) -> str:
    """The page with its tables as the catalog has them."""
    return BLOCK.sub(lambda block: f"{block[1]}\n{markdown(block[2])}\n{block[3]}", text)


if __name__ == "__main__":
    TARGET.write_text(rendered(TARGET.read_text(encoding="utf-8")), encoding="utf-8")
