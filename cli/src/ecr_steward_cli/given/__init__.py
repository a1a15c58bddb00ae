"""What people hand over to a command: files, pushes, images, settings, times."""
