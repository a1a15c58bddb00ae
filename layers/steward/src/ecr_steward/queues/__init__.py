"""The queues between the doors, the sweep and the writers."""
