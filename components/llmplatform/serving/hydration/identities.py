"""Credentials that the cluster gives to a pod for the role of its service account: no key is stored.

Sources: botocore 1.44.5, credentials.py, `ContainerProvider` (EKS Pod Identity); credentials-go,
credentials/providers/oidc.go, `getCredentials` (RRSA of ACK).
"""

import json
import os
import threading
import time
from calendar import timegm
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from llmplatform.serving.hydration import http
from llmplatform.serving.hydration.faults import Answered, Refused, Tired, Transient
from llmplatform.serving.hydration.signing import Credentials

AGENT_ADDRESS, AGENT_TOKEN = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
ROLE, PROVIDER, TOKEN = (
    "ALIBABA_CLOUD_ROLE_ARN",
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
)
STS = "https://sts.aliyuncs.com"
EARLY_SECONDS = 600
"""Before their end, credentials are asked for anew: a request that has begun may take a while."""
LATEST_SECONDS = 60
"""Until then those that are there are used, if others are refused: a later request asks again."""
NEW_SECONDS = 180.0
"""Time in which a refusal may come from a right that was granted just now: IAM and RAM spread their changes slowly."""


class Identity:
    """The role of this pod. Several threads may ask for its credentials, which are renewed before they end."""

    def __init__(self, ask: Callable[[], Credentials], new_seconds: float = NEW_SECONDS) -> None:
        self._ask, self._new_until, self._lock = ask, time.monotonic() + new_seconds, threading.Lock()
        self._now: Credentials | None = None

    @property
    def may_be_new(self) -> bool:
        """Whether a refusal may come from a right that was granted just now."""
        return time.monotonic() < self._new_until

    def credentials(self) -> Credentials:
        """The credentials of the moment. Raises `Refused`, `Tired` or `Transient`."""
        with self._lock:
            if self._now is None or self._now.expires - time.time() < EARLY_SECONDS:
                try:
                    self._now = self._ask()
                except (Answered, Transient) as fault:
                    if self._now is not None and self._now.expires - time.time() > LATEST_SECONDS:
                        return self._now
                    if isinstance(fault, Transient):
                        raise
                    if self.may_be_new:
                        raise Transient(f"{fault.said}: the role may be too new", wait=10.0) from None
                    raise Refused(f"{fault.said}: the role of this pod is not given to it") from None
            return self._now


def pod_identity() -> Credentials:
    """From the agent of EKS Pod Identity on the node. Raises `Tired`, `Refused`, `Transient`."""
    found = _variables("EKS Pod Identity", AGENT_ADDRESS, AGENT_TOKEN)
    token = Path(found[AGENT_TOKEN]).read_text(encoding="utf-8").strip()
    # The agent is on the node: no proxy reaches it.
    answer = _json(http.get(found[AGENT_ADDRESS], {"Authorization": token}, direct=True))
    return _credentials(answer, "AccessKeyId", "SecretAccessKey", "Token")


def rrsa(endpoint: str = STS) -> Credentials:
    """From Alibaba Cloud's token service, for the token of the service account. Raises as `pod_identity`."""
    found = _variables("RRSA", ROLE, PROVIDER, TOKEN)
    query = {"Action": "AssumeRoleWithOIDC", "Version": "2015-04-01", "Format": "JSON"}
    query["Timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    form = {
        "RoleArn": found[ROLE],
        "OIDCProviderArn": found[PROVIDER],
        "OIDCToken": Path(found[TOKEN]).read_text(encoding="utf-8").strip(),
        "RoleSessionName": "hydration",
        "DurationSeconds": "3600",
    }
    answer = _json(http.get(f"{endpoint}/?{urlencode(query)}", {}, body=urlencode(form).encode()))
    return _credentials(answer.get("Credentials"), "AccessKeyId", "AccessKeySecret", "SecurityToken")


def _variables(name: str, *wanted: str) -> Mapping[str, str]:
    """The variables that the cluster adds to a pod.

    It does so at the pod's creation alone, and not if it does not know of the role yet: this pod never gets them, and
    another one may (aws/eks-pod-identity-agent#52, aws/containers-roadmap#2507).
    """
    missing = [each for each in wanted if not os.environ.get(each)]
    if missing:
        raise Tired(
            f"{name} gave this pod no {', '.join(missing)}: the role was made just now, or its add-on is not installed"
            "; a Job makes another pod by itself, and a server's pod must be deleted"
        )
    return {each: os.environ[each] for each in wanted}


def _json(answer: Any) -> Mapping[str, Any]:
    with answer:
        try:
            return json.load(answer)
        except (ValueError, OSError) as error:
            raise Transient(f"credentials: not what is expected: {error}") from None


def _credentials(answer: Any, key_id: str, secret: str, token: str) -> Credentials:
    try:
        ends = timegm(time.strptime(str(answer["Expiration"])[:19], "%Y-%m-%dT%H:%M:%S"))
        return Credentials(str(answer[key_id]), str(answer[secret]), str(answer[token]), ends)
    except (KeyError, TypeError, ValueError):
        raise Transient("credentials: not what is expected") from None
