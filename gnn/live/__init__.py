"""What changed since the build: overlay, live items, likeness."""
