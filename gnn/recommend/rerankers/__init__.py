"""Re-rankers, one file each: they change the order of the best items, never a score."""
