"""A plotly figure as a static picture, drawn without a browser: what stands in a notebook beside the live figure, for
whoever shows a notebook without plotly's script.

Read off the figure itself, so that no figure is described twice. Drawn are the traces that our figures are made of; the
letters are those that matplotlib brings along, so that the bytes are the same everywhere.

Importing this package keeps matplotlib from telling a notebook where its fonts are kept; so import it first.
"""

import logging

logging.getLogger("matplotlib").setLevel(logging.ERROR)
