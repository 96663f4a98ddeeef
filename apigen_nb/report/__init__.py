"""What a person sees: records → frames (`tables`) → figures (`charts`) and HTML (`pieces`) → `pages`, of which `write`
makes static files and which `widgets` shows in notebooks and in the app.

Importing this package keeps `rfc3987_syntax` from being imported: jsonschema wants it only to check the format "iri",
and compiling its grammar costs every kernel and every run 2 s at the first `import nbformat` (2.7 s → 0.5 s on 2 cores,
November 2026; jsonschema #1428). So import it before nbformat, papermill or the first plotly figure.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None makes the import fail, as if not installed
