"""Environments that a trainer runs: the tasks of a dataset, to be played and rewarded by our checks.

To add a framework: a file with a function that gives the files of its export, by path, and its entry in `WRITERS` of
`export.py`. What every environment needs, the world, the prompts and the reward, is in `play.py`."""
