"""How a message gets to its channel."""
