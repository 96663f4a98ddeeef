"""Data inside a page: compressed JSON blocks, which `report.js` unpacks."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from markupsafe import Markup

from ..storage.safe_text import clean


def as_json(value: Any) -> str:
    """JSON that may stand inside a `<script>`: of what it holds only these two could end or change the block."""
    text = json.dumps(value, ensure_ascii=False, default=lambda item: clean(str(item)))
    return text.replace("</", "<\\/").replace("<!--", "<\\u0021--")


def packed(value: Any, name: str, level: int = 6) -> Markup:
    """A JSON block, gzipped and in base64: a page of texts that resemble each other shrinks to a tenth."""
    data = gzip.compress(as_json(value).encode("utf-8", "replace"), compresslevel=level, mtime=0)
    text = base64.b64encode(data).decode()
    return Markup(f'<script type="application/gzip" data-name="{name}">{text}</script>')
