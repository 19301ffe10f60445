"""The recognizers that `egp_ner` is compared with."""
