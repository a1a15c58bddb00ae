"""Pure: what a tag is, which line it belongs to, and which changes a repository needs."""
