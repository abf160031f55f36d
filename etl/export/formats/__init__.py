"""One module per format that a build can be written in."""
