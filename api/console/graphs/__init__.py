"""Graphs on pages: what the database is asked, and how its answers are drawn."""
