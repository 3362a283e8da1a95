"""Public grammars as regular expressions over ASCII.

Sources: RFC 1123 and 1035 (host names), RFC 3986 (addresses), RFC 5321 (mail), Kubernetes' labels and selectors,
distribution/reference (images), huggingface_hub's `validate_repo_id`, git-check-ref-format.
"""

LONGEST_HOST = 253

_LOWER = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_MIXED = r"[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?"
_TOP = r"([a-z]{2,63}|xn--[-a-z0-9]{1,58}[a-z0-9])"
_BYTE = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_ADDRESS = rf"(?!0\.|127\.|169\.254\.|22[4-9]\.|2[3-5]\d\.){_BYTE}(\.{_BYTE}){{3}}"
"""An IPv4 address of another machine."""

LOWER_HOST = rf"({_LOWER}\.)+{_TOP}"
LOWER_HOST_OR_ADDRESS = rf"({LOWER_HOST}|{_ADDRESS})"
UNPROXIED = rf"\.?({_LOWER}\.)*{_TOP}|{_ADDRESS}(/(3[0-2]|[12]?\d))?"
"""A host, a domain after a dot, an address or a range. Source: golang.org/x/net/http/httpproxy, `NoProxy`."""
HOST_OR_ADDRESS = rf"(({_MIXED}\.)+([A-Za-z]{{2,63}}|xn--[-a-z0-9]{{1,59}})|{_ADDRESS})"
LOOPBACK = rf"127(\.{_BYTE}){{3}}"
"""Loopback, where a tunnel may begin."""
PORT = r"(:(6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3}))?"
PATH = r"(/(?!\.{1,2}(/|$))([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)*"
"""Without a final slash, and without a step upwards (`..`)."""

IMAGE_PATH = r"(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)+"

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
EMAIL = rf"(?=.{{1,64}}@){_ATOM}(\.{_ATOM})*@({_MIXED}\.)+[A-Za-z]{{2,63}}"

LABEL_NAME = r"[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?"
LABEL_KEY = rf"((?=[^/]{{1,253}}/)({_LOWER}\.)*{_LOWER}/)?{LABEL_NAME}"

HUGGINGFACE_ID = (
    r"(?!.*(--|\.\.))(?!.*\.git$)[A-Za-z0-9_]([\w.-]{0,94}[A-Za-z0-9_])?/[A-Za-z0-9_]([\w.-]{0,94}[A-Za-z0-9_])?"
)
GIT_REVISION = r"(?!.*(\.\.|//|/\.|\./|\.lock(/|$)))[A-Za-z0-9_]([\w.+/-]*[A-Za-z0-9_+-])?"
