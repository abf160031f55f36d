"""From the shop's files to validated tables."""
