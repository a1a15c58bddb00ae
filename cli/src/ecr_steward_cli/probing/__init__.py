"""What the steward relies on and AWS does not document, asked of a real account."""
