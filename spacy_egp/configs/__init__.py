"""Training configs: from a template, with settings that fit a corpus."""
