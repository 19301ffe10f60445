"""Speed, memory and kernel launches of `egp_ner`, compared with its peers."""
