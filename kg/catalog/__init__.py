"""Changed items: one record per change, one reader."""
