"""The whole report in one file, to send."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from ..storage.jsonl import write_whole
from .notebook_html import inert
from .page_frame import Inlined, Page, drawn, plotly_script, script, style
from .run_contents import contents
from .write import compared, made

_LEAVES = re.compile(r'<a href="\.\./[^"]*">([^<]*)</a>')  # links to files of the run


def write_single(folder: Path, others: Sequence[Path] = ()) -> Path:
    """Write the whole report into one file, `report.html` in the run's folder, which can be sent: style, scripts and
    pages are inside it. Links to the run's files are left out, for they would lead nowhere."""
    held = contents(Path(folder))
    found = [*made(held), *compared(held, others)]
    bodies = [
        Markup('<template data-page="{}" data-kind="{}">{}</template>').format(
            page.file, page.kind, Markup(_LEAVES.sub(r"\1", inert(page.body)))
        )
        for page in found
    ]
    # "</script" and "<!--" would end or change a script element; inside a script's texts "<\/" means the same
    scripts = tuple(
        Markup(text.replace("</script", "<\\/script").replace("<!--", "<\\!--")) for text in (plotly_script(), script())
    )
    inlined = Inlined(Markup(style()), scripts, Markup("").join(bodies))
    target = held.folder / "report.html"
    frame = Page(found[0].file, "Report", "", "")
    write_whole(target, [drawn(held, found, frame, inlined)])
    return target
