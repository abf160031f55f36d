"""Recommendations: query, ranking, re-ranking, filters, explained lists, why-not."""
