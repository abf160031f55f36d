"""`reckon extract`: a shop's own extractor, trained, run and reviewed."""
