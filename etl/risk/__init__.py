"""Risk on the command line: `reckon risk`."""
