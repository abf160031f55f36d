"""Quantities in texts: the grammar of amounts, what they are in their context, and units."""
