"""Keys: where they come from, and how what a server repeats of them is found."""

from __future__ import annotations

import base64
import html
import os
import re
from urllib.parse import SplitResult, quote, urlsplit

SECRET = 8  # characters; shorter keys are placeholders like `none`, and words of every other text


class NoKey(ValueError):
    """The variable that should hold a key is not set."""


def url_and_key(base_url: str | None, api_key_env: str) -> tuple[SplitResult, str]:
    """Where to ask and with which key; '' for a server on this machine that may need none. NoKey when the variable is
    not set, ValueError when the URL is none, that variable holds what no header can, or one of certificates points
    nowhere."""
    base_url = base_url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
    url = urlsplit(base_url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError(f"base_url is {without_secrets(base_url)!r}; expected the like of http://127.0.0.1:8080/v1")
    _check_certificates()
    key = os.environ.get(api_key_env, "").strip()
    if not re.fullmatch(r"[ -~]*", key):
        raise ValueError(
            f"environment variable {api_key_env}, named by api_key_env, holds no key: keys are printable ASCII; "
            "was it copied with a line break or curly quotes?"
        )
    if not key and not (url.hostname in ("localhost", "0.0.0.0", "::1") or url.hostname.startswith("127.")):
        raise NoKey(f"environment variable {api_key_env}, named by api_key_env, is not set; export it, or name another")
    return url, key


def _check_certificates() -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):  # read by the client, which would say no more than "no such file"
        value = os.environ.get(name, "")
        if value and not any(map(os.path.exists, value.split(os.pathsep) if name == "SSL_CERT_DIR" else [value])):
            raise ValueError(
                f"environment variable {name} points to {value!r}, which is not there; unset it, or mend it"
            )


def untrusted() -> str:
    """What is to be said of variables that other programs read certificates from, and the client does not."""
    found = [name for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if os.environ.get(name)]
    told = [f"{name}{'' if os.path.exists(os.environ[name]) else ' (it points nowhere)'}" for name in found]
    return f"; {', '.join(told)} is not read here, name the certificates in SSL_CERT_FILE" if told else ""


def without_secrets(url: str) -> str:
    """A URL without what may be a secret in it: a user name, a query."""
    return re.sub(r"^(\w+://)?[^/]*@", r"\1", url.partition("?")[0].partition("#")[0])


def key_pattern(key: str) -> re.Pattern[bytes]:
    """Where a key stands as it is, or as it stands in a URL, in HTML or in a header for basic authentication; each in
    JSON, at any depth of JSON inside JSON, however its characters are escaped."""
    quoted = quote(key, safe="")
    forms = [key, quoted, re.sub("%..", lambda one: one[0].lower(), quoted), html.escape(key)]
    forms += [base64.b64encode(text.encode()).decode().rstrip("=") for text in (key, f":{key}")]
    ways = (b"".join(map(_escaped, form)) for form in sorted(set(forms), key=len, reverse=True))
    # From the first of several backslashes only: else a reply that is nothing but backslashes would take hours.
    return re.compile(rb"(?<!\\)(?:%s)" % b"|".join(ways))


def _escaped(one: str) -> bytes:
    return rb"\\*(?:%s|(?i:u%04x))" % (re.escape(one.encode()), ord(one))
