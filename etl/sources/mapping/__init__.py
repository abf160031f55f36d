"""A source's columns as columns of the tables."""
