"""apigen-nb: verified multi-turn tool-use data, from notebooks. Implements APIGen-MT (arXiv 2504.03601).

What notebooks and domain folders import stands in `__init__.pyi`, and nothing else is promised: `from apigen_nb import
tool, rule`. A name is loaded when it is first asked for, so that a domain folder does not load the report."""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
