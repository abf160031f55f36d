"""Business rules over REST."""
