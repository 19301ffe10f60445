"""The formats, in the order in which they are tried on a file.

To add one, write a module with a FORMAT, and name the module here. Formats that
recognize files by name come first. Those that accept files of other formats come last.
"""

from importlib import import_module

from ..format import Format

MODULES = (
    "docbin",
    "ace",
    "brat",
    "xmi",
    "cas_json",
    "bioc",
    "genia",
    "webanno",
    "conllu",
    "pubtator",
    "label_studio_csv",
    "span_lines",
    "iob",
    "argilla",
    "train_data",
    "prodigy",
    "label_studio",
    "label_studio_min",
    "cluener",
    "cmeee",
    "gliner",
    "dygie",
    "biaffine",
    "w2ner",
    "mrc",
    "pyramid",
    "spert",
    "huggingface",
    "doccano",
    "text_entities",
)
FORMATS: dict[str, Format] = {
    format.name: format
    for format in (import_module(f".{name}", __name__).FORMAT for name in MODULES)
}
