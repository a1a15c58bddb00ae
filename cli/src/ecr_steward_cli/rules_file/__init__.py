"""The rules file: read, checked, explained."""
