"""Which attribute of an item answers a question."""
