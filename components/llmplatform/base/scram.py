"""Passwords as Postgres keeps them, so that neither a Job nor a server's log sees one.

Source: PostgreSQL documentation, CREATE ROLE (a password in this form is stored as it is) and pg_authid (the form);
RFC 5802, section 3 (the keys).
"""

import base64
import hashlib
import hmac

_ROUNDS = 4096
"""PostgreSQL, scram_iterations."""


def verifier(password: str, salt: str) -> str:
    """`SCRAM-SHA-256$ROUNDS:SALT$STOREDKEY:SERVERKEY` of an ASCII password. `salt`: base64."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), base64.b64decode(salt), _ROUNDS)
    stored = hashlib.sha256(_signed(salted, b"Client Key")).digest()
    return f"SCRAM-SHA-256${_ROUNDS}:{salt}${_text(stored)}:{_text(_signed(salted, b'Server Key'))}"


def _signed(key: bytes, what: bytes) -> bytes:
    return hmac.digest(key, what, "sha256")


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
