"""What must be known not to misread a figure, and why one may be empty: sentences that several figures share."""

from __future__ import annotations

AT_GATES = "each gate counts what it judged: not every gate follows on the one above"
SEVERAL = "one blueprint may have several"
PARTED = "above the line: what execution can decide; below it only a reader can"
ALONE = "attempts know nothing of each other: a later one is no repair"
NOT_THE_CAUSE = "the tool need not be the cause"
NONE_DRAFTED = "nothing was drafted yet"
NO_VOTES = "there was no committee, or no attempt came to it"
NONE_HELD, NONE_FAILED = "none was held yet", "none failed, or none was held yet"
