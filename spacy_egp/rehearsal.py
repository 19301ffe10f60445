"""A corpus reader for rehearsal: predictions of a pipeline replace missing annotation,
so that a pipeline can learn a label without forgetting the others."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example
from spacy.util import minibatch
from spacy.vocab import Vocab

from .component import EGPRecognizer
from .pipelines import find_component, load_pipeline
from .readers import SCORES


def make_rehearsal(
    corpus: Callable[[Language], Iterable[Example]],
    model: str | Path,
    component: str | None = None,
) -> "RehearsalCorpus":
    """Create a reader that adds a pipeline's predictions to the docs of another reader.

    corpus (Callable[[Language], Iterable[Example]]): The other reader.
    model (Union[str, Path]): Name or path of the pipeline with an `egp_ner`.
    component (Optional[str]): Name of its `egp_ner`, if there are several.
    RETURNS (RehearsalCorpus): The reader.
    """
    return RehearsalCorpus(corpus, model, component)


class RehearsalCorpus:
    """Adds the spans that a pipeline predicts to docs, for the labels that they are not
    annotated for, and adds the pipeline's labels to the list of annotated labels.

    A doc without the spans key is raw text: it gets the predictions for all labels. A
    doc without a list of annotated labels is annotated for all labels, and stays as it
    is.
    """

    def __init__(
        self,
        corpus: Callable[[Language], Iterable[Example]],
        model: str | Path,
        component: str | None,
    ) -> None:
        """See `make_rehearsal`."""
        self.corpus = corpus
        self.model = model
        self.component = component
        self._pipeline: Language | None = None

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Read the corpus.

        nlp (Language): The pipeline that is trained.
        YIELDS (Example): The examples.
        RAISES (ValueError): If the other pipeline cannot be loaded, or has no
            `egp_ner`.
        """
        if self._pipeline is None:
            self._pipeline = load_pipeline(self.model)
        name = find_component(self._pipeline, self.component)
        egp_ner = cast(EGPRecognizer, self._pipeline.get_pipe(name))
        for batch in minibatch(self.corpus(nlp), self._pipeline.batch_size):
            vocab = self._pipeline.vocab
            texts = [_without_annotation(vocab, example.reference) for example in batch]
            docs = self._pipeline.pipe(texts)
            for example, doc in zip(batch, docs, strict=True):
                _add_predictions(example.reference, doc, egp_ner)
                yield example


def _without_annotation(vocab: Vocab, doc: Doc) -> Doc:
    """A doc with the tokens and sentences of another."""
    has_sentences = doc.has_annotation("SENT_START")
    return Doc(
        vocab,
        words=[token.text for token in doc],
        spaces=[bool(token.whitespace_) for token in doc],
        sent_starts=[token.is_sent_start for token in doc] if has_sentences else None,
    )


def _add_predictions(reference: Doc, predicted: Doc, component: EGPRecognizer) -> None:
    """Add the spans of a component to a doc that is not annotated for its labels."""
    key, labels_attr = component.key, component.labels_attr
    attrs: dict[str, Any] = {labels_attr: []}
    spans: list[Span] = []
    if key in reference.spans:
        group = reference.spans[key]
        attrs, spans = group.attrs, list(group)
    if labels_attr not in attrs:
        return
    listed = attrs[labels_attr]
    spans += [
        Span(reference, span.start, span.end, label=span.label_)
        for span in predicted.spans[key]
        if span.label_ not in listed
    ]
    labels = list(dict.fromkeys([*listed, *component.labels]))
    others = {name: value for name, value in attrs.items() if name != SCORES}
    reference.spans[key] = SpanGroup(
        reference, name=key, spans=spans, attrs={**others, labels_attr: labels}
    )
