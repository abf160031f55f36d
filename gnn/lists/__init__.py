"""What a list may be asked for, and how candidates are barred, adjusted, ranked and cut."""
