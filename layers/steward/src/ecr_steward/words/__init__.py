"""What all rooms speak: facts, hints, causes, calls, names."""
