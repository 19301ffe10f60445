"""The tokens of texts without any: by a language, or as a user wants them."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import spacy
from spacy.cli.info import info_model
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import get_lang_class, get_words_and_spaces, load_config
from spacy.vocab import Vocab, create_vocab

from ..errors import Errors
from .records import BadRecord

SPLITTERS: dict[str, Callable[[str], list[str]]] = {
    "whitespace": str.split,
    "characters": lambda text: list("".join(text.split())),
}
DEFAULT_LANG = "en"
# The most characters of a text, as in spaCy.
MAX_LENGTH = 1_000_000


def match_words(words: list[str], text: str) -> tuple[list[str], list[bool]] | None:
    """Find the tokens of a file in its text.

    words (list[str]): The tokens.
    text (str): The text.
    RETURNS (tuple[list[str], list[bool]] | None): Words and spaces that make up the
        text, or None if the tokens do not add up to it.
    """
    try:
        # The function accepts no empty tokens.
        return get_words_and_spaces([word for word in words if word], text)
    except ValueError:
        return None


def align_words(
    source: str, words: list[str], text: str
) -> tuple[list[str], list[bool]]:
    """RETURNS (tuple[list[str], list[bool]]): Words and spaces, as match_words() does.
    RAISES (BadRecord): If the tokens do not add up to the text."""
    tokens = match_words(words, text)
    if tokens is None:
        raise BadRecord(source, Errors.EGP232)
    return tokens


class Tokenization:
    """A vocab, and a tokenizer that is made once a text needs it.

    lang (str | None): The language. If None, the tokenizer's, or English.
    tokenizer (str | None): "whitespace", "characters", a config, or the name or folder
        of a pipeline. If None, the language's.
    RAISES (ValueError): If the language is not that of the config or pipeline.
    """

    def __init__(self, lang: str | None = None, tokenizer: str | None = None) -> None:
        self.tokenizer = tokenizer
        if tokenizer is None or tokenizer in SPLITTERS:
            self.lang: str = lang or DEFAULT_LANG
            return
        self.lang = self._nlp.lang or DEFAULT_LANG
        if lang is not None and lang != self.lang:
            raise ValueError(
                Errors.EGP239.format(
                    tokenizer=tokenizer, tokenizer_lang=self.lang, lang=lang
                )
            )

    @cached_property
    def vocab(self) -> Vocab:
        """The vocab of the docs. It needs no tokenizer, which may need a package."""
        if self.tokenizer is None or self.tokenizer in SPLITTERS:
            return create_vocab(self.lang, get_lang_class(self.lang).Defaults)
        return self._nlp.vocab

    @cached_property
    def _nlp(self) -> Language:
        name = self.tokenizer
        if name is None:
            return get_lang_class(self.lang)(self.vocab)
        if name.endswith(".cfg"):
            settings = load_config(Path(name), interpolate=True)["nlp"]
            keys = ("lang", "tokenizer")
            nlp_config = {key: settings[key] for key in keys if key in settings}
            lang = settings.get("lang") or DEFAULT_LANG
            return get_lang_class(lang).from_config({"nlp": nlp_config})
        return spacy.load(name, exclude=info_model(name)["components"])

    def tokenize(self, text: str) -> Doc:
        """RETURNS (Doc): The text as tokens."""
        if self.tokenizer in SPLITTERS:
            words = SPLITTERS[self.tokenizer](text)
            words, spaces = get_words_and_spaces(words, text)
            return Doc(self.vocab, words=words, spaces=spaces)
        return self._nlp.tokenizer(text)
