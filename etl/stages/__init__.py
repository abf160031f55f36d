"""The stages of a rebuild."""
