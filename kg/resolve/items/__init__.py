"""Items that are one: records, blocking, pair features, the trained matcher."""
