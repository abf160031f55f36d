"""What is known of one shopper: the weighted history, interests, profile."""
