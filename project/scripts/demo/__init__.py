"""The demo's corpus, which a grammar makes up, its baseline and its picture."""
