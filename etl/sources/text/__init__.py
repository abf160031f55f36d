"""Text of source files: encodings, blocks, streams."""
