"""A deployed stack, as its operator reaches it."""
