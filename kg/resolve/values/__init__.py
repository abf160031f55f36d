"""Values that are one: keys, similarity, evidence, merges."""
