"""Speed, memory and kernel launches of `egp_ner` beside its peers."""
