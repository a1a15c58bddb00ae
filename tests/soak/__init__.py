"""A soak: the deployed handlers under faults, kills and people, in virtual time.

An oracle that shares no code with them judges it. `python -m tests.soak --help` says how to play a
larger one.
"""
