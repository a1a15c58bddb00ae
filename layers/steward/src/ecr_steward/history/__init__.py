"""What was where, when and why: one table, one room."""
