"""What each function does, over the rooms below; the functions themselves only wire it."""
