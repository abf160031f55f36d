"""Changed items and events while the API serves."""
