"""One file an assumption, or the few that one question answers."""
