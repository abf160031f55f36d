"""Items over REST."""
