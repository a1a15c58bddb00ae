"""The sweep: a slice of the repositories into the queues, and what came of it."""
