"""The knowledge graph: what is known of items, users and their attributes, where it came from, and where it is kept."""
