"""The console: pages for people over the same calls that programs make, signed in to with an API key."""
