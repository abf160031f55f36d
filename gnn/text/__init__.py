"""Text analysis that search and answers share."""
