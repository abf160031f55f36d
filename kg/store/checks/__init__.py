"""What can be said of a query before any database sees it: its tokens, what it calls, whom it may show; and what is wrong with it, in words."""
