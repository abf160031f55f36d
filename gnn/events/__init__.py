"""What events say, counted: who met what and when, what is bought again, and how events are split for a hold-out."""
