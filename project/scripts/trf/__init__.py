"""The share that `egp_ner` has in time and memory over a transformer."""
