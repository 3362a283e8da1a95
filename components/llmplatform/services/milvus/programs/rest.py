"""Milvus over its REST API.

Sources: Milvus 2.6, internal/distributed/proxy/httpserver/{handler_v2,request_v2}.go; service.go, `authenticate`: a
wrong password is answered with 401 before anything else, and so is a right one that the proxy does not have yet while
the coordinator does not answer (internal/proxy/util.go, `passwordVerify`); every other fault with 200, and its number
in the body.
"""

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 600
_DONE = (0, 200)
"""Numbers of success: 200 up to Milvus 2.4."""
_PAUSE_SECONDS = 5


class Unreachable(Exception):
    """No answer of Milvus."""


class Denied(Exception):
    """A wrong name or password."""


class Refused(Exception):
    """Milvus' reason why it did not do something."""


class Milvus:
    """A Milvus, for one of its users."""

    def __init__(self, address: str, user: str, password: str, authority: str | None = None) -> None:
        self._address, self._user, self._password, self._authority = address, user, password, authority

    def __call__(self, path: str, /, **body: Any) -> Any:
        """The data of an answer. Raises `Unreachable`, `Denied` or `Refused`. `path`: after `/v2/vectordb/`."""
        asked = urllib.request.Request(  # noqa: S310 as configured
            f"{self._address}/v2/vectordb/{path}",
            json.dumps(body).encode(),
            {
                "Authorization": f"Bearer {self._user}:{self._password}",
                "Content-Type": "application/json",
                # Without it the server gives up after 30 s (timeout_middleware.go).
                "Request-Timeout": str(TIMEOUT_SECONDS),
            },
        )
        try:
            # Without its default handlers there is no proxy: Milvus is within the cluster.
            with _opener(self._authority).open(asked, timeout=TIMEOUT_SECONDS) as answer:
                found = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 401:
                    raise Denied(f"{self._user}: wrong name or password") from None
                raise Unreachable(f"{path}: {error.code} {error.reason}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unreachable(f"{path}: {error or type(error).__name__}") from None
        if found.get("code") not in _DONE:
            raise Refused(f"{path}: {found.get('message') or found}")
        return found.get("data")

    def of(self, user: str, password: str) -> "Milvus":
        """The same Milvus for another user."""
        return Milvus(self._address, user, password, self._authority)

    def lets_in(self) -> bool:
        """Whether name and password are right. What the user may do does not matter."""
        try:
            self("collections/list")
        except Denied:
            return False
        except Refused:
            return True
        return True


def _opener(authority: str | None) -> urllib.request.OpenerDirector:
    direct = urllib.request.ProxyHandler({})
    # The pod may start before the authority is made, whose file then comes later.
    trust = ssl.create_default_context(cafile=authority) if authority else None
    return urllib.request.build_opener(direct, urllib.request.HTTPSHandler(context=trust))


def secret(folder: str, name: str) -> str | None:
    """A value of a mounted Secret; None if it is not there."""
    place = Path(folder, name)
    return place.read_text(encoding="utf-8") if place.exists() else None


def as_root(address: str, secrets: str, authority: str | None, seconds: float) -> Milvus:
    """Milvus for `root`, whose password is changed to the one of the Secret, if it is still the one before.

    Waits so long for an answer. Raises `Unreachable` if there is none, and SystemExit if it is neither of them.
    """
    before, now = secret(secrets, "root-before"), secret(secrets, "root") or ""
    root = Milvus(address, "root", now, authority)
    until = time.monotonic() + seconds
    while True:
        try:
            if root.lets_in():
                return root
            if before is not None and root.of("root", before).lets_in():
                root.of("root", before)("users/update_password", userName="root", password=before, newPassword=now)
                print("root has a new password", flush=True)
                return root
            fault = "the password of 'root' is neither that of the Secret nor the one before it"
            if time.monotonic() > until:
                raise SystemExit(
                    f"{fault}; change it in Milvus to that of the Secret, and raise root_password_version by one at a "
                    "time"
                )
        except Unreachable as error:
            if time.monotonic() > until:
                raise
            fault = str(error)
        print(f"waiting: {fault}", flush=True)
        time.sleep(_PAUSE_SECONDS)
