"""The published build: memory-mapped files with checksums."""
