"""Corpus readers that cut and join docs without losing spans."""

import random
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice, pairwise
from pathlib import Path

import numpy as np
import spacy.training
import srsly
from spacy.errors import Errors as SpacyErrors
from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, DocBin, Span, SpanGroup
from spacy.training import Example
from spacy.vocab import Vocab

from .docbins import get_docs
from .errors import Errors, Warnings

# The entry of a span group's attrs that has a value for each span.
SCORES = "scores"


def make_corpus(
    path: Path | None,
    sentences: bool = False,
    max_length: int = 0,
    max_joined: int = 1,
    limit: int = 0,
    augmenter: Callable[[Language, Example], Iterable[Example]] | None = None,
) -> "Corpus":
    """Create a reader of .spacy files.

    path (Optional[Path]): The file or folder.
    sentences (bool): Whether to make a doc of each sentence.
    max_length (int): The maximum number of tokens in a doc; longer ones are cut. 0 for
        no limit.
    max_joined (int): The maximum number of consecutive docs that are joined, see
        `draw_size`. 1 to join none.
    limit (int): The maximum number of docs that are read. 0 for no limit.
    augmenter (Optional[Callable]): A spaCy augmenter.
    RETURNS (Corpus): The reader.
    RAISES (ValueError): If there is no path, or a number is negative.
    """
    if path is None:
        raise ValueError(SpacyErrors.E913)
    return Corpus(
        path,
        sentences=sentences,
        max_length=max_length,
        max_joined=max_joined,
        limit=limit,
        augmenter=augmenter,
    )


class Corpus(spacy.training.Corpus):
    """Reads docs, cuts long ones, and joins short ones, with all their spans.

    First docs are cut into sentences, then these are joined, and finally docs that are
    too long are cut. A doc ends at the end of a sentence or a paragraph or, if a
    sentence is longer than `max_length`, between two tokens, but never inside a span or
    an entity. Sentences are those of the doc, or those that spaCy's `Sentencizer` and
    line breaks mark. Span groups and their attrs are kept, and a doc without a group
    does not get one. Docs with different groups or attrs are not joined, because they
    may be annotated for different labels.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        sentences: bool = False,
        max_length: int = 0,
        max_joined: int = 1,
        limit: int = 0,
        augmenter: Callable[[Language, Example], Iterable[Example]] | None = None,
    ) -> None:
        """See `make_corpus`."""
        if augmenter is not None:
            augmenter = partial(_augment, augmenter)
        super().__init__(path, limit=limit, max_length=max_length, augmenter=augmenter)
        for name, value, least in (
            ("max_length", max_length, 0),
            ("max_joined", max_joined, 1),
            ("limit", limit, 0),
        ):
            if value < least:
                raise ValueError(
                    Errors.EGP018.format(name=name, value=value, least=least)
                )
        self.sentences = sentences
        self.max_joined = max_joined
        self._reported_long = False

    def read_docbin(self, vocab: Vocab, locs: Iterable[str | Path]) -> Iterator[Doc]:
        """Read docs as spaCy's reader does, in a fraction of the time.

        vocab (Vocab): The vocab of the docs.
        locs (Iterable[str | Path]): The .spacy files.
        YIELDS (Doc): The docs that have tokens, at most as many as the limit.
        """
        doc_bins = (DocBin().from_disk(path) for path in locs)
        docs = chain.from_iterable(get_docs(x, vocab) for x in doc_bins)
        return islice((doc for doc in docs if len(doc)), self.limit or None)

    def make_examples(
        self, nlp: Language, reference_docs: Iterable[Doc]
    ) -> Iterator[Example]:
        """Make the examples of a corpus.

        nlp (Language): The pipeline, whose tokenizer makes the docs to predict.
        reference_docs (Iterable[Doc]): The annotated docs.
        YIELDS (Example): An example for each resulting doc.
        """
        docs = reference_docs
        if self.sentences:
            docs = chain.from_iterable(map(cut_into_sentences, docs))
        if self.max_joined > 1:
            docs = join_consecutive(docs, partial(draw_size, self.max_joined))
        n_long = 0
        for doc in docs:
            for piece in cut_doc(doc, self.max_length) if self.max_length else [doc]:
                n_long += len(piece) > self.max_length > 0
                yield self._make_example(nlp, piece, False)
        if n_long and not self._reported_long:
            self._reported_long = True
            warnings.warn(
                Warnings.EGPW003.format(
                    n_long=n_long, max_length=self.max_length, path=self.path
                ),
                stacklevel=2,
            )


def _augment(
    augmenter: Callable[[Language, Example], Iterable[Example]],
    nlp: Language,
    example: Example,
) -> Iterator[Example]:
    """Augment an example, but keep the attrs of its span groups, which spaCy's
    augmenters drop. Attrs with a value for each span are not kept."""
    for augmented in augmenter(nlp, example):
        for key, group in example.reference.spans.items():
            if key in augmented.reference.spans:
                kept = {name: x for name, x in group.attrs.items() if name != SCORES}
                augmented.reference.spans[key].attrs.update(kept)
        yield augmented


def cut_doc(doc: Doc, max_length: int) -> Iterator[Doc]:
    """Cut a doc into pieces, at the ends of sentences if these are close enough.

    doc (Doc): The doc, of n tokens.
    max_length (int): The largest number of tokens of a piece; a longer span makes a
        longer piece.
    YIELDS (Doc): The pieces.
    """
    if len(doc) <= max_length:
        yield doc
        return
    may_cut = _outside_spans(doc)
    sentence_ends = np.flatnonzero(may_cut & _ends_sentence(doc)).tolist()
    token_ends = np.flatnonzero(may_cut).tolist()
    ends = [0]
    while ends[-1] < len(doc):
        limit = ends[-1] + max_length
        for candidates in (sentence_ends, token_ends):
            last = bisect_right(candidates, limit) - 1
            if last >= 0 and candidates[last] > ends[-1]:
                break
        else:
            last += 1
        ends.append(candidates[last])
    yield from _pieces(doc, ends)


def cut_into_sentences(doc: Doc) -> Iterator[Doc]:
    """Cut a doc into its sentences; those that a span crosses stay together.

    doc (Doc): The doc.
    YIELDS (Doc): A doc for each sentence.
    """
    if not len(doc):
        return
    ends = np.flatnonzero(_outside_spans(doc) & _ends_sentence(doc)).tolist()
    yield from _pieces(doc, [0, *ends])


def draw_size(max_joined: int) -> int:
    """Draw how many docs to join, such that half of all docs stay single: a model needs
    both, docs that begin and end with a sentence, and what comes after a sentence.

    max_joined (int): The maximum, at least 2.
    RETURNS (int): 1 or, less often, a number from 2 to the maximum, each with the same
        probability.
    """
    mean_joined = (2 + max_joined) / 2
    if random.random() < 1 / (1 + mean_joined):
        return random.randint(2, max_joined)
    return 1


def join_consecutive(docs: Iterable[Doc], size: Callable[[], int]) -> Iterator[Doc]:
    """Join consecutive docs that have the same span groups and attrs.

    docs (Iterable[Doc]): The docs.
    size (Callable[[], int]): Returns the maximum number to join; called for each joined
        doc.
    YIELDS (Doc): The joined docs.
    """
    run: list[Doc] = []
    n_docs = size()
    for doc in docs:
        if run and (len(run) >= n_docs or _groups(doc) != _groups(run[-1])):
            yield join_docs(run)
            run, n_docs = [], size()
        run.append(doc)
    if run:
        yield join_docs(run)


def join_docs(docs: Sequence[Doc]) -> Doc:
    """Join docs with the same span groups into one.

    docs (Sequence[Doc]): The docs.
    RETURNS (Doc): A doc with their tokens and their span groups with attrs.
    """
    if len(docs) == 1:
        return docs[0]
    joined = Doc.from_docs(list(docs))
    # spaCy forgets that spaces are unknown, and takes the first token of a doc without
    # sentences for the start of one.
    joined.has_unknown_spaces = any(doc.has_unknown_spaces for doc in docs)
    first = np.cumsum([0, *map(len, docs)]).tolist()
    if not all(len(doc) < 2 or doc.has_annotation("SENT_START") for doc in docs):
        for token in joined:
            token.is_sent_start = None
    for key, group in docs[0].spans.items():
        moved = [
            _move(span, joined, offset)
            for doc, offset in zip(docs, first, strict=False)
            for span in doc.spans[key]
        ]
        attrs = dict(group.attrs)
        if SCORES in attrs:
            attrs[SCORES] = np.concatenate(
                [doc.spans[key].attrs[SCORES] for doc in docs]
            )
        joined.spans[key] = SpanGroup(joined, name=key, spans=moved, attrs=attrs)
    return joined


def _groups(doc: Doc) -> bytes:
    """The keys of a doc's span groups and their attrs, to be compared."""
    groups = {
        key: {name: value for name, value in group.attrs.items() if name != SCORES}
        for key, group in doc.spans.items()
    }
    return bytes(srsly.msgpack_dumps(sorted(groups.items())))


def _outside_spans(doc: Doc) -> np.ndarray:
    """Whether a doc of n tokens may be cut before each token, and at its end: bool of
    shape (n + 1,)."""
    depth = np.zeros(len(doc) + 2, dtype="int64")
    for span in chain(doc.ents, *doc.spans.values()):
        depth[span.start + 1] += 1
        depth[span.end] -= 1
    return depth.cumsum()[:-1] == 0


def _ends_sentence(doc: Doc) -> np.ndarray:
    """Whether a sentence or paragraph of a doc of n tokens ends before each token, and
    at its end: bool of shape (n + 1,)."""
    if doc.has_annotation("SENT_START"):
        is_start = [bool(token.is_sent_start) for token in doc]
    else:
        [is_start] = Sentencizer().predict([doc])
        for i in range(1, len(doc)):
            before = doc[i - 1]
            is_start[i] |= before.is_space and "\n" in before.text
    return np.asarray([False, *is_start[1:], True])


def _pieces(doc: Doc, ends: Sequence[int]) -> Iterator[Doc]:
    """The pieces of a doc between positions that no span crosses."""
    pieces = [doc[a:b].as_doc(copy_user_data=True) for a, b in pairwise(ends)]
    for key, group in doc.spans.items():
        spans = list(group)
        of_span = np.searchsorted(ends, [span.start for span in spans], "right") - 1
        members: list[list[int]] = [[] for _ in pieces]
        for i, piece in enumerate(of_span.tolist()):
            members[piece].append(i)
        for piece, first, at in zip(pieces, ends, members, strict=False):
            attrs = dict(group.attrs)
            if SCORES in attrs:
                attrs[SCORES] = np.asarray(attrs[SCORES])[at]
            moved = [_move(spans[i], piece, -first) for i in at]
            piece.spans[key] = SpanGroup(piece, name=key, spans=moved, attrs=attrs)
    for piece in pieces:
        # spaCy treats the spaces of a copied part of a doc as known.
        piece.has_unknown_spaces = doc.has_unknown_spaces
        yield piece


def _move(span: Span, doc: Doc, offset: int) -> Span:
    """A span of another doc on a doc that has the same tokens, shifted by an offset."""
    return Span(
        doc,
        span.start + offset,
        span.end + offset,
        label=span.label,
        kb_id=span.kb_id,
        span_id=span.id,
    )
