"""The kinds of reasons that addends of a score become, one file each."""
