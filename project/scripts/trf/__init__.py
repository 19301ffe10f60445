"""The share of time and memory that `egp_ner` takes over a transformer."""
