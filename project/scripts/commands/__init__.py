"""What `spacy egp annotate`, `check` and `convert` take and find."""
