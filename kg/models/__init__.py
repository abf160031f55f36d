"""Models as arrays with a checksum, and trees without pickle."""
