"""`reckon answers` and `reckon ask`: models of questions, and answers from the published build."""
