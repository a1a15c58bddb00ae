"""What a message says, in the words that all channels share."""
