"""apigen-nb: verified multi-turn tool-use data, from notebooks. Implements APIGen-MT (arXiv 2504.03601)."""

__version__ = "0.1.0"
