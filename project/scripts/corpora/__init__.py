"""The corpora that the project trains on."""
