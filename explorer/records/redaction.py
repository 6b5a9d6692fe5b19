"""Takes secrets out of text before it is written down. Pure functions."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

__all__ = ["HIDDEN", "readable_address", "redacted"]

HIDDEN = "***"
"""What stands for a secret."""

_IN_NAME = r"[\w.\-%\[\]]"
_SECRET = r"token|key|passw|pwd|secret|session[-_]?id|credential|auth|signature|cookie|jwt"  # noqa: S105, RUF100  # names, not a secret
_NAME = rf"(?<!{_IN_NAME}){_IN_NAME}{{0,64}}?(?:{_SECRET}){_IN_NAME}{{0,64}}?"  # bounded: no line takes long
_VALUE = r"""b?(?:"[^"\n]*"|'[^'\n]*'|[^\s&;,"')\]}#]+)"""
_RULES = (
    (re.compile(r"(?<![\w.\-])eyJ[\w\-]{8,}(?:\.[\w\-]*)*"), HIDDEN),  # signed or not, JSON in base64 is a token
    (re.compile(r"(\b[a-z][a-z0-9+.\-]{0,20}://)[^\s/@]{1,256}@", re.IGNORECASE), rf"\1{HIDDEN}@"),  # user:password@host
    (re.compile(r"\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)(['\"]?\s*:\s*)[^\n]+", re.IGNORECASE), rf"\1\2{HIDDEN}"),
    (re.compile(rf"({_NAME}(?:=|%3D))(?!lambda\b){_VALUE}", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(rf"""(b?(["']){_IN_NAME}{{0,64}}?(?:{_SECRET}){_IN_NAME}{{0,64}}?\2\s*:\s*\[?){_VALUE}""", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"""(\bsession\b[^'"\n]{0,40}(['"]))[^'"\s]{16,}(?=\2)""", re.IGNORECASE), rf"\1{HIDDEN}"),  # with its id one could join it
)
_TELLING = frozenset({"dataset", "theme"})  # arguments that Explorer or Panel reads, and that are no secret
_LONGEST = 200  # characters of an address


def redacted(text: str) -> str:
    """Replace the values of what is named like a secret, tokens, and passwords in addresses.

    >>> redacted("GET /explorer?dataset=digits&token=abc")
    'GET /explorer?dataset=digits&token=***'
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def readable_address(path: str, query: str) -> str:
    """Give the address of a request for a log: of its arguments only what is known to be no secret is shown.

    >>> readable_address("/explorer", "dataset=digits&t%6Fken=abc")
    '/explorer?dataset=digits&token=***'
    """
    shown = [f"{name}={value if name in _TELLING else HIDDEN}" for name, value in parse_qsl(query, keep_blank_values=True)]
    return "?".join(filter(None, (path, "&".join(shown))))[:_LONGEST]
