"""Pure rooms: what a repository's settings should be, where they differ, and what to set."""
