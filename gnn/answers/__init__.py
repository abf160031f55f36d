"""Answers to questions: what is asked, which fact says it, and when to say nothing."""
