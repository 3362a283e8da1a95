"""Uses the example's collection as a team's program would: each line of the input is a JSON list, a method and its
arguments; each line of the output is what it gives. Runs in the client's environment.
"""

import json
import sys

from documents import Documents, connect

DIMENSION = 8


def main() -> None:
    """All lines of the input."""
    documents = Documents(connect(), "papers", DIMENSION)
    for line in sys.stdin:
        name, arguments, named = json.loads(line)
        print(json.dumps(getattr(documents, name)(*arguments, **named)), flush=True)


if __name__ == "__main__":
    main()
