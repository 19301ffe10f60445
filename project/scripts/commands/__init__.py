"""The time and memory of `spacy egp annotate` and `convert`, and what `check` finds."""
