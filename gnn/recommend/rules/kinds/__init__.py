"""Kinds of business rules, one file each: what a rule must say, what it does to lists, and its sentence in answers."""
