"""What a text says of its item: scope of negations, claims, heads of titles."""
