"""What people read: one renderer per form, one sender per channel."""
