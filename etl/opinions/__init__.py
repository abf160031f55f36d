"""`reckon opinions …`: train, run and watch over files of reviews."""
