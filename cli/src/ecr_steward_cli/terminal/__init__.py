"""What a person at a terminal sees: text, tables, progress, and how a command ends."""
