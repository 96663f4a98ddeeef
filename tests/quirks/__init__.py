"""What servers do differently from the API that they are compatible with: each played, with what is done about it.

The texts are those that servers are known to send. `python docs/servers.py` makes the table of docs/servers.md of this
list, and tests/models/test_quirks.py plays each through a real server.
"""

from .busy import BUSY
from .formats import FORMATS
from .kept import KEPT
from .parameters import PARAMETERS
from .refusals import REFUSALS
from .replies import HEARD
from .stopping import STOPPING

QUIRKS = (*PARAMETERS, *FORMATS, *REFUSALS, *STOPPING, *BUSY, *KEPT, *HEARD)
