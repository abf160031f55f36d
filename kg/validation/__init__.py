"""Checks of single values shared by files, REST and events: ids, ratings, placeholders, messages."""
