"""Cypher and the query library over REST: reading only, bounded, noted in the audit log."""
