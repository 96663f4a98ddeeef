"""apigen-nb: verified multi-turn tool-use data, from notebooks. Implements APIGen-MT (arXiv 2504.03601).

What notebooks and domain folders import stands in `__init__.pyi`, and nothing else is promised: `from apigen_nb import
tool, rule`. A name is loaded when it is first asked for, so that a domain folder does not load the report.

Importing it keeps `rfc3987_syntax` from being imported: jsonschema wants it only to check the format "iri", and its
grammar costs every process 2 s (November 2026; jsonschema #1428). nbformat and plotly's first figure import
jsonschema as well."""

import sys

import lazy_loader

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None makes the import fail, as if not installed

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
