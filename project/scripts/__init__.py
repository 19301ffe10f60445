"""The commands of the project, by subject. In the project's folder each one runs as a
module, as in `python -m scripts.compare.train --help`."""
