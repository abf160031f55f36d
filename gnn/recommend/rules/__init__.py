"""Business rules: their definition, and rules compiled over a build."""
