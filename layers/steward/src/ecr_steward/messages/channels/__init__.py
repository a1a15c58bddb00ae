"""What each channel takes, one file a channel."""
