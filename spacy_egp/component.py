"""The pipeline component `egp_ner`."""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example
from spacy.util import logger
from spacy.vocab import Vocab
from thinc.api import Config, Model, Optimizer, set_dropout_rate

from .decoding import (
    SPANS_PER_DOC,
    SPANS_PER_TOKEN,
    ScoredSpans,
    decode,
    score_matrix,
    to_probability,
)
from .entities import add_entities, outside_entities
from .errors import Errors, Warnings
from .features import PointerFeatures
from .gold import Census, GoldReader, GoldTally
from .labels import check_label, remove_label, rename_label
from .limits import Exclusion, SpanLimits
from .listeners import (
    check_listeners,
    check_no_listeners,
    check_vectors,
    words_without_vector,
)
from .loading import (
    check_learned_length,
    check_loaded,
    head_settings,
    loading,
)
from .loss import zlpr_loss
from .overlap import SELECTIONS, select_flat
from .pipelines import (
    PipelineLink,
    drops_spans,
    forgets_lists,
    has_score_weight,
    others_with_key,
)
from .scoring import span_score
from .settings import (
    AUTO,
    DEFAULTS,
    Setting,
    check_key,
    check_labels,
    check_length,
    check_overlap,
    check_stretch,
    check_threshold,
    check_truth,
    check_weights,
    settle,
    write_settings,
)
from .threads import keep_one_thread_if_forked
from .thresholds import DEFAULT_THRESHOLD, Threshold, min_scores

# By default, a span may be longer than the longest gold span by this factor.
LENGTH_MARGIN = 1.25
# What spaCy saves of a component.
FIELDS = ("cfg", "model", "vocab")

DEFAULT_MODEL = Config().from_str(
    """
[model]
@architectures = "spacy-egp.EfficientGlobalPointer.v1"
head_size = 64
rope = true
bias_input = "pointer"
learn_rate_scale = 1.0

[model.tok2vec]
@architectures = "spacy.Tok2Vec.v2"

[model.tok2vec.embed]
@architectures = "spacy.MultiHashEmbed.v2"
width = 96
rows = [5000, 1000, 2500, 1000]
attrs = ["NORM", "PREFIX", "SUFFIX", "SHAPE"]
include_static_vectors = false

[model.tok2vec.encode]
@architectures = "spacy.MaxoutWindowEncoder.v2"
width = ${model.tok2vec.embed.width}
window_size = 1
maxout_pieces = 3
depth = 4
"""
)["model"]


@Language.factory(
    "egp_ner",
    # The entities only with `annotate_ents`.
    assigns=["doc.spans", "doc.ents", "token.ent_iob", "token.ent_type"],
    default_config={
        "model": DEFAULT_MODEL,
        **DEFAULTS,
        "scorer": {"@scorers": "spacy-egp.span_scorer.v1"},
    },
    default_score_weights={
        "spans_sc_f": 1.0,
        "spans_sc_p": 0.0,
        "spans_sc_r": 0.0,
        # Not counted, but saved with the pipeline.
        "spans_sc_per_type": None,
    },
)
def make_egp_ner(
    nlp: Language,
    name: str,
    model: Model[list[Doc], PointerFeatures],
    # Any type: spaCy would convert some values to others. The component checks them.
    spans_key: Any,
    threshold: Any,
    max_length: Any,
    within_sentences: Any,
    overlap: Any,
    predicted_labels: Any,
    annotate_ents: Any,
    labels_attr: Any,
    stretch_length: Any,
    label_weights: Any,
    scorer: Callable | None,
) -> "EGPRecognizer":
    """Create an `EGPRecognizer`; see its docstring for the settings."""
    component = EGPRecognizer(
        nlp.vocab,
        model,
        name,
        spans_key=spans_key,
        threshold=threshold,
        max_length=max_length,
        within_sentences=within_sentences,
        overlap=overlap,
        predicted_labels=predicted_labels,
        annotate_ents=annotate_ents,
        labels_attr=labels_attr,
        stretch_length=stretch_length,
        label_weights=label_weights,
        scorer=scorer,
    )
    component.pipeline = PipelineLink(nlp)
    component.report_same_key(nlp)
    return component


class EGPRecognizer(TrainablePipe):
    """Recognize nested entities: score every pair of tokens as a span of each label.

    Spans are written to `doc.spans[spans_key]`, their probabilities to
    `doc.spans[spans_key].attrs["scores"]`, as spaCy's `SpanCategorizer` does.

    Each setting is an attribute. It can be set at any time; `nlp.to_disk` saves it, and
    the pipeline's config agrees.
    """

    spans_key = Setting(check_key, "Key of `doc.spans` for gold and predicted spans.")
    threshold = Setting(
        check_threshold,
        "Probability above which a pair of tokens is a span, or a table of them by "
        "label.",
    )
    max_length = Setting(
        check_length,
        'The largest number of tokens in a span; "auto": learned from the gold spans; '
        "None: no limit.",
    )
    within_sentences = Setting(
        check_truth, "Whether only pairs within a sentence are scored."
    )
    overlap = Setting(
        check_overlap, 'Which spans may coexist: "any", "nested" or "flat".'
    )
    predicted_labels = Setting(
        check_labels, "The labels that predicted spans may have; None: all of them."
    )
    annotate_ents = Setting(
        check_truth, "Whether a flat selection is also added to `doc.ents`."
    )
    labels_attr = Setting(
        check_key, "Entry of the group's attrs that lists the annotated labels."
    )
    stretch_length = Setting(
        check_stretch,
        "The largest number of start tokens in a term of the loss; None: all of a doc.",
    )
    label_weights = Setting(
        check_weights, "Weights of labels in the loss; None: all are equal."
    )

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], PointerFeatures],
        name: str = "egp_ner",
        *,
        spans_key: str = "sc",
        threshold: Threshold = DEFAULT_THRESHOLD,
        max_length: int | str | None = AUTO,
        within_sentences: bool = False,
        overlap: str = "any",
        predicted_labels: list[str] | None = None,
        annotate_ents: bool = False,
        labels_attr: str = "annotated_labels",
        stretch_length: int | None = DEFAULTS["stretch_length"],
        label_weights: dict[str, float] | None = None,
        scorer: Callable | None = span_score,
    ) -> None:
        """Initialize the component.

        vocab (Vocab): The shared vocabulary.
        model (Model[List[Doc], PointerFeatures]): The Thinc model.
        name (str): Name of the component in the pipeline, its key in the losses.
        spans_key (str): Key of `doc.spans` for gold and predicted spans.
        threshold (Union[float, Dict[str, float]]): Probability from 0 to 1 above which
            a pair is a span, or a table of labels and their probabilities; other
            labels have 0.5.
        max_length (Union[int, str, None]): The maximum number of tokens in a span;
            "auto" learns it from the gold spans of training: `LENGTH_MARGIN` times
            the longest. None for no limit: time and memory then grow with n^2
            instead of n * max_length for a doc of n tokens.
        within_sentences (bool): Only score pairs within a sentence of a doc that has
            sentence boundaries.
        overlap (str): Which spans can coexist: "any" (all above the threshold),
            "nested" (none that cross; the better ones first), "flat" (none that
            overlap; those with the largest total score). Scores are measured from
            the threshold of the label.
        predicted_labels (Optional[List[str]]): The labels that predicted spans can
            have, before `overlap` selects; None for all. Training uses all labels.
        annotate_ents (bool): Also add the flat selection of those spans that do not
            overlap the entities of a doc to `doc.ents`.
        labels_attr (str): Entry of `doc.spans[spans_key].attrs` that lists the labels
            that a training doc is annotated for. Other labels do not contribute to
            its loss. A doc without the entry is annotated for all labels.
        stretch_length (Optional[int]): The maximum number of start tokens in one term
            of the loss; None for a term per doc, as in the reference. See the
            module `loss`.
        label_weights (Optional[Dict[str, float]]): A table of labels and their weights
            in the loss; other labels have weight 1. None for equal weights.
        scorer (Optional[Callable]): The scoring method.
        RAISES (ValueError): If a setting has a value that it cannot have.
        """
        self.vocab = vocab
        self.model = model
        self.name = name
        self.scorer = scorer
        self.pipeline = PipelineLink()
        self.cfg: dict[str, Any] = {"labels": [], "learned_length": None}
        self.spans_key = spans_key
        self.threshold = threshold
        self.max_length = max_length
        self.within_sentences = within_sentences
        self.overlap = overlap
        self.predicted_labels = predicted_labels
        self.annotate_ents = annotate_ents
        self.labels_attr = labels_attr
        self.stretch_length = stretch_length
        self.label_weights = label_weights
        self._rehearsal_model: Model[list[Doc], PointerFeatures] | None = None
        self._reported: set[str] = set()
        self._is_training_checked = False

    @property
    def key(self) -> str:
        """RETURNS (str): Key of `doc.spans` for gold and predicted spans."""
        return self.spans_key

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (Tuple[str, ...]): The labels, in the order of the scores."""
        return tuple(self.cfg["labels"])

    @property
    def label_data(self) -> list[str]:
        """RETURNS (List[str]): The labels, as `initialize` takes them."""
        return list(self.labels)

    def add_label(self, label: str) -> int:
        """Add a label, also to a trained model. Its scores of the present labels stay
        the same up to rounding.

        label (str): The label.
        RETURNS (int): 0 if the label is already present, otherwise 1.
        RAISES (ValueError): If the label is not a string, or empty.
        """
        check_label(self.name, label)
        if label in self.cfg["labels"]:
            return 0
        self.vocab.strings.add(label)
        n_labels = len(self.labels) + 1
        if self.model.has_dim("nO") and self.model.get_dim("nO") < n_labels:
            self.set_output(n_labels)
        self.cfg["labels"].append(label)
        return 1

    def remove_label(self, label: str) -> None:
        """Remove a label, also from a trained model. Its scores of the other labels
        stay the same, except for labels that were added and not trained since.

        label (str): The label.
        RAISES (ValueError): If the component does not have it, or predicts no
            other label.
        """
        remove_label(self, label)

    def rename_label(self, label: str, new: str) -> None:
        """Give a label another name.

        label (str): The label.
        new (str): Its new name.
        RAISES (ValueError): If the component does not have the label or already has the
            new name, or the name is not a string, or empty.
        """
        rename_label(self, label, new)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        """Initialize the model for training.

        get_examples (Callable[[], Iterable[Example]]): Returns representative gold
            examples.
        nlp (Optional[Language]): The current nlp object.
        labels (Optional[Sequence[str]]): The labels, as generated by `spacy init
            labels`. Defaults to those of the examples' gold spans.
        RAISES (ValueError): If there are no labels or no examples, gold spans have
            other labels or mostly do not fit the pipeline's tokens, there is no
            component for the model's tok2vec to listen to, or an augmenter drops
            the list of annotated labels.
        """
        if nlp is not None:
            check_listeners(nlp, self.name, self.model)
            self._check_training(nlp)
        for label in labels or ():
            self.add_label(label)
        sample: list[Example] = []
        tally = GoldTally()
        is_cut = nlp is not None and drops_spans(nlp)
        census = Census(self.key, is_cut=is_cut)
        self.cfg["learned_length"] = None
        reader = self.gold_reader()
        for example in get_examples():
            census.count(example.reference)
            if labels is None:
                for span in example.reference.spans.get(self.key, ()):
                    if span.label and self.add_label(span.label_):
                        reader.label_ids[span.label_] = len(reader.label_ids)
            tally.add(reader.read(example))
            # Docs without tokens do not show the width of their encoding.
            if len(sample) < 10 and len(example.x):
                sample.append(example)
        if not sample:
            raise ValueError(Errors.EGP005.format(name=self.name))
        if not self.labels:
            raise ValueError(
                Errors.EGP006.format(
                    name=self.name, spans_key=self.key, hint=census.hint
                )
            )
        self._check_alignment(tally)
        self._learn_from(tally)
        if 0 < census.n_unannotated < census.n_docs:
            self._warn_once(Warnings.EGPW013, **census.values)
        if self.max_length == AUTO:
            logger.info(
                "'%s' scores spans of up to %s tokens (max_length = \"auto\")",
                self.name,
                self.cfg["learned_length"],
            )
        self.model.initialize(
            X=[example.x for example in sample],
            # Thinc's convention: a sample of the output's width.
            Y=self.model.ops.alloc2f(1, len(self.labels)),  # type: ignore[arg-type]
        )

    def _check_training(self, nlp: Language) -> None:
        """Refuse to train if the lists of annotated labels would be lost. Warn if other
        components overwrite the spans, or if the spans do not count in the score."""
        self._is_training_checked = True
        if forgets_lists(nlp, self.key, self.labels_attr):
            raise ValueError(
                Errors.EGP035.format(
                    name=self.name, spans_key=self.key, labels_attr=self.labels_attr
                )
            )
        self.report_same_key(nlp)
        if not has_score_weight(nlp, self.key):
            self._warn_once(Warnings.EGPW012, spans_key=self.key)

    def report_same_key(self, nlp: Language) -> None:
        """Warn of other components that write to the same key of `doc.spans`.

        nlp (Language): The pipeline.
        """
        others = others_with_key(nlp, self, self.key)
        if others:
            self._warn_once(
                Warnings.EGPW014, others=", ".join(others), spans_key=self.key
            )

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Find the spans of a stream of docs. The components before it compute when the
        stream is read: in a forked process with one PyTorch thread, as it has no more.

        stream (Iterable[Doc]): The docs.
        batch_size (int): Number of docs in a batch.
        YIELDS (Doc): The docs, in their order.
        """
        keep_one_thread_if_forked()
        yield from super().pipe(stream, batch_size=batch_size)

    def predict(self, docs: Iterable[Doc]) -> ScoredSpans:
        """Find the spans of docs, without modifying them.

        docs (Iterable[Doc]): The docs.
        RETURNS (ScoredSpans): Their spans, as `set_annotations` takes them.
        RAISES (ValueError): If docs lack the vectors that the model listens for.
        """
        docs = list(docs)
        if self.pipeline.nlp is not None:
            # Others may have been added after the component.
            self.report_same_key(self.pipeline.nlp)
        if not any(len(doc) for doc in docs):
            return ScoredSpans.empty()
        check_vectors(self.name, self.model, docs)
        spans = self.find_spans(docs, self.model.predict(docs), self.threshold)
        min_scores = self.min_scores(self.threshold)
        return SELECTIONS[self.overlap](spans, min_scores[spans.label])

    def find_spans(
        self, docs: Sequence[Doc], features: PointerFeatures, threshold: Threshold
    ) -> ScoredSpans:
        """Find the spans above a threshold, before `overlap` selects among them.

        docs (Sequence[Doc]): The docs.
        features (PointerFeatures): The model's output for them.
        threshold (Union[float, Dict[str, float]]): Probability from 0 to 1 above which
            a pair is a span, or a table of them by label.
        RETURNS (ScoredSpans): The spans.
        RAISES (ValueError): If there are features that are NaN, infinite or too large.
        """
        self._check_finite(docs, features)
        self._report_missing(docs)
        self._report_unknown_labels()
        spans = self._decode(docs, features, self.min_scores(threshold))
        if len(spans.truncated_docs):
            warnings.warn(
                Warnings.EGPW001.format(
                    name=self.name,
                    n_bounded=len(spans.truncated_docs),
                    n_docs=len(docs),
                    spans_per_doc=SPANS_PER_DOC,
                    spans_per_token=SPANS_PER_TOKEN,
                    threshold=threshold,
                ),
                stacklevel=2,
            )
        return spans

    def _decode(
        self,
        docs: Sequence[Doc],
        features: PointerFeatures,
        min_score: float | np.ndarray,
    ) -> ScoredSpans:
        """The spans above a score that the limits allow."""
        limits = self.limits
        return decode(
            features,
            min_score,
            segments=limits.segments(docs),
            max_length=limits.max_length,
        )

    def min_scores(self, threshold: Threshold) -> np.ndarray:
        """Tell the score above which a pair of tokens is a span of each label.

        threshold (Union[float, Dict[str, float]]): Probability from 0 to 1, or a table
            of them by label.
        RETURNS (np.ndarray): Scores (logits), float32 of shape (labels,); inf for
            labels that are not to be predicted.
        """
        return min_scores(threshold, self.labels, self.predicted_labels)

    def set_annotations(self, docs: Iterable[Doc], predictions: ScoredSpans) -> None:
        """Write spans to `doc.spans`, and add some to `doc.ents` if `annotate_ents` is
        set.

        docs (Iterable[Doc]): The docs.
        predictions (ScoredSpans): Their spans, produced by `predict`.
        """
        docs = list(docs)
        probabilities = to_probability(predictions.score)
        for doc, spans, at in self._spans_by_doc(docs, predictions):
            self._report_replaced(doc, spans)
            doc.spans[self.key] = SpanGroup(
                doc,
                name=self.key,
                spans=spans,
                attrs={"scores": probabilities[at]},
            )
        if self.annotate_ents:
            free = outside_entities(docs, predictions)
            min_scores = self.min_scores(self.threshold)
            flat = select_flat(free, min_scores[free.label])
            for doc, spans, _ in self._spans_by_doc(docs, flat):
                add_entities(doc, spans)

    def _spans_by_doc(
        self, docs: list[Doc], predictions: ScoredSpans
    ) -> Iterator[tuple[Doc, list[Span], slice]]:
        """Each doc, its spans, and where they are in the predictions."""
        label_ids = [self.vocab.strings[label] for label in self.labels]
        bounds = np.searchsorted(predictions.doc, np.arange(len(docs) + 1)).tolist()
        starts = predictions.start.tolist()
        lasts = predictions.last.tolist()
        labels = predictions.label.tolist()
        for doc, (begin, end) in zip(docs, pairwise(bounds), strict=True):
            spans = [
                Span(doc, starts[i], lasts[i] + 1, label=label_ids[labels[i]])
                for i in range(begin, end)
            ]
            yield doc, spans, slice(begin, end)

    def get_loss(
        self, examples: Iterable[Example], features: PointerFeatures
    ) -> tuple[float, PointerFeatures]:
        """Compute the mean ZLPR loss over stretches and labels, and its gradient.

        A doc whose reference lacks the spans key is not annotated and has no part in
        the loss; a doc with an empty group has no entities.

        examples (Iterable[Example]): The examples.
        features (PointerFeatures): The model's output for their predicted docs.
        RETURNS (Tuple[float, PointerFeatures]): The loss and its gradient with respect
            to the features.
        RAISES (ValueError): If a gold span has a label that the component lacks, or the
            features or the loss are NaN or infinite.
        """
        if self.pipeline.nlp is not None and not self._is_training_checked:
            # spaCy does not initialize a sourced component.
            self._check_training(self.pipeline.nlp)
        examples = list(examples)
        docs = [example.predicted for example in examples]
        self._report_missing(docs)
        census = Census(self.key)
        for example in examples:
            census.count(example.reference)
        if census.n_unannotated == len(examples):
            self._warn_once(Warnings.EGPW015, **census.values)
        reader = self.gold_reader()
        gold = [reader.read(example) for example in examples]
        tally = GoldTally()
        for doc_gold in gold:
            tally.add(doc_gold)
        self._learn_from(tally)
        return self._compute_loss(
            docs,
            features,
            [doc_gold.spans for doc_gold in gold],
            np.stack([doc_gold.annotated for doc_gold in gold]),
        )

    def _compute_loss(
        self,
        docs: Sequence[Doc],
        features: PointerFeatures,
        gold: list[np.ndarray | None],
        annotated: np.ndarray,
    ) -> tuple[float, PointerFeatures]:
        """The loss of gold spans and its gradient, checked to be finite."""
        limits = self.limits
        loss, d_features = zlpr_loss(
            features,
            gold,
            weights=annotated * self._weights(),
            segments=limits.segments(docs),
            max_length=limits.max_length,
            stretch_length=self.stretch_length,
        )
        if not np.isfinite(loss):
            self._check_finite(docs, features)
            text = _beginning(docs[0])
            raise ValueError(
                Errors.EGP011.format(
                    name=self.name, n_docs=len(docs), loss=loss, text=text
                )
            )
        return loss, d_features

    def rehearse(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn what the model predicted when `nlp.resume_training` was called, so that
        it is not forgotten as other docs are learned. Labels that were added since have
        no part in it.

        examples (Iterable[Example]): Examples, whose annotation is not looked at.
        drop (float): The dropout rate.
        sgd (Optional[Optimizer]): The optimizer.
        losses (Optional[Dict[str, float]]): The losses so far, which are added to.
        RETURNS (Dict[str, float]): The losses.
        RAISES (ValueError): If the model listens to another component, which would
            change without what it was, or the features or the loss are NaN or infinite.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        docs = [example.predicted for example in examples]
        if self._rehearsal_model is None:
            self._warn_once(Warnings.EGPW041)
            return losses
        check_no_listeners(self.name, self.model)
        if not any(map(len, docs)):
            return losses
        before = self._rehearsal_model.predict(docs)
        annotated = np.zeros((len(docs), len(self.labels)), dtype=bool)
        annotated[:, : before.start.shape[1]] = True
        spans = self._decode(docs, before, 0.0)
        rows = np.stack([spans.start, spans.last, spans.label], axis=1)
        gold = np.split(rows, np.searchsorted(spans.doc, np.arange(1, len(docs))))
        set_dropout_rate(self.model, drop)
        features, backprop = self.model.begin_update(docs)
        self._check_finite(docs, features)
        loss, d_features = self._compute_loss(docs, features, [*gold], annotated)
        backprop(d_features)
        if sgd is not None:
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score predictions.

        examples (Iterable[Example]): The examples; those whose reference doc lacks the
            spans key are not scored, and counted in a warning.
        RETURNS (Dict[str, Any]): The scores, see `scoring.span_score`.
        """
        examples = list(examples)
        census = Census(self.key)
        for example in examples:
            census.count(example.reference)
        if census.n_unannotated:
            self._warn_once(Warnings.EGPW016, **census.values)
        scores: dict[str, Any] = super().score(examples, **kwargs)
        return scores

    def _weights(self) -> np.ndarray:
        """The weight of each label in the loss, of shape (labels,)."""
        table = self.label_weights or {}
        return np.array([table.get(label, 1.0) for label in self.labels])

    def _check_finite(self, docs: Sequence[Doc], features: PointerFeatures) -> None:
        bad = features.docs_not_finite()
        if bad:
            raise ValueError(
                Errors.EGP010.format(
                    name=self.name,
                    n_bad=len(bad),
                    n_docs=len(docs),
                    text=_beginning(docs[bad[0]]),
                )
            )

    @property
    def limits(self) -> SpanLimits:
        """RETURNS (SpanLimits): The limits of the spans that are learned and predicted,
        with the length that `max_length = "auto"` has learned."""
        max_length = self.max_length
        if isinstance(max_length, str):
            max_length = self.cfg["learned_length"]
        return SpanLimits(
            max_length=max_length,
            within_sentences=self.within_sentences,
        )

    def gold_reader(self) -> GoldReader:
        """RETURNS (GoldReader): Reads the gold spans of examples for the loss."""
        limits = self.limits
        if self.max_length == AUTO:
            limits = replace(limits, max_length=None)
        return GoldReader(
            name=self.name,
            spans_key=self.key,
            labels_attr=self.labels_attr,
            label_ids={label: i for i, label in enumerate(self.labels)},
            limits=limits,
        )

    def _check_alignment(self, tally: GoldTally) -> None:
        """Refuse a corpus most of whose spans do not fit the pipeline's tokens."""
        n_misaligned = tally.excluded[Exclusion.MISALIGNED]
        if 2 * n_misaligned > tally.n_spans:
            raise ValueError(
                Errors.EGP019.format(
                    name=self.name,
                    spans_key=self.key,
                    n_misaligned=n_misaligned,
                    n_spans=tally.n_spans,
                    lang=self.vocab.lang,
                )
            )

    def _learn_from(self, tally: GoldTally) -> None:
        """Raise the learned length to what the longest gold span justifies, even after
        `initialize`, which may have seen only a part of the corpus. Warn once of the
        spans that are left out of training."""
        justified = math.ceil(tally.max_length * LENGTH_MARGIN)
        if justified > (self.cfg["learned_length"] or 0):
            self.cfg["learned_length"] = justified
        reasons = [reason for reason, n in tally.excluded.items() if n]
        if reasons:
            counts = (f"{tally.excluded[r]} {r.description}" for r in reasons)
            self._warn_once(
                Warnings.EGPW002,
                spans_key=self.key,
                n_excluded=tally.excluded.total(),
                n_spans=tally.n_spans,
                counts=", ".join(counts),
                remedies=" ".join(reason.remedy for reason in reasons),
            )

    def _report_missing(self, docs: Sequence[Doc]) -> None:
        """Warn once of docs that lack sentences or vectors that they should have."""
        n_docs = sum(map(self.limits.lacks_sentences, docs))
        if n_docs:
            self._warn_once(Warnings.EGPW004, n_docs=n_docs, n_all=len(docs))
        words = words_without_vector(docs)
        if words:
            n_all = sum(map(len, docs))
            self._warn_once(
                Warnings.EGPW005, n_words=len(words), n_all=n_all, text=words[0].text
            )

    def _report_replaced(self, doc: Doc, spans: Sequence[Span]) -> None:
        """Warn once of present spans of a doc that are not among its new ones."""
        if not doc.spans.get(self.key):
            return
        kept = set(spans)
        replaced = [span for span in doc.spans[self.key] if span not in kept]
        if replaced:
            self._warn_once(
                Warnings.EGPW017,
                spans_key=self.key,
                n_replaced=len(replaced),
                text=replaced[0].text,
                label=replaced[0].label_,
            )

    def _report_unknown_labels(self) -> None:
        """Warn once of labels in the settings that the component lacks."""
        threshold = self.threshold
        named = [
            *(threshold if isinstance(threshold, dict) else ()),
            *(self.label_weights or ()),
            *(self.predicted_labels or ()),
        ]
        known = set(self.labels)
        unknown = [label for label in dict.fromkeys(named) if label not in known]
        if unknown:
            self._warn_once(
                Warnings.EGPW040,
                unknown=", ".join(unknown),
                labels=", ".join(self.labels),
            )

    def _warn_once(self, message: str, **values: Any) -> None:
        if message not in self._reported:
            self._reported.add(message)
            warnings.warn(message.format(name=self.name, **values), stacklevel=3)

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save the component to disk. If the folder is in that of a pipeline, the
        config there is brought into agreement.

        path (Union[str, Path]): The folder.
        exclude (Iterable[str]): Names of serialization fields to exclude.
        RAISES (ValueError): If a setting has a value that it cannot have.
        """
        settings = {setting: getattr(self, setting) for setting in DEFAULTS}
        self.cfg.update(settings)
        super().to_disk(path, exclude=tuple(exclude))
        write_settings(Path(path), settings)

    def from_bytes(
        self, bytes_data: bytes, *, exclude: Iterable[str] = ()
    ) -> "EGPRecognizer":
        """Load the component from a bytestring. Settings get the saved values; a
        warning reports those that differ from the config.

        bytes_data (bytes): What `to_bytes` has returned.
        exclude (Iterable[str]): Names of serialization fields to exclude.
        RETURNS (EGPRecognizer): The component.
        RAISES (ValueError): If the data are damaged or of another component.
        """
        with self._restoring("bytes") as saved, loading(self.name, "bytes"):
            super().from_bytes(bytes_data, exclude=tuple(exclude))
        settle(self, saved, prefer_saved=True)
        return self

    def from_disk(
        self, path: str | Path, *, exclude: Iterable[str] = ()
    ) -> "EGPRecognizer":
        """Load the component from disk. Settings keep the values of the config, which
        may have been edited since; `to_disk` saves the same values in both. A pipeline
        that version 0.1.0 saved gets the values in the component's file.

        path (Union[str, Path]): The folder.
        exclude (Iterable[str]): Names of serialization fields to exclude.
        RETURNS (EGPRecognizer): The component.
        RAISES (ValueError): If a file is damaged or of another component.
        """
        exclude = tuple(exclude)
        with self._restoring(path) as saved:
            for field in FIELDS:
                # One by one, so that an error can name the file.
                others = tuple(name for name in FIELDS if name != field)
                with loading(self.name, Path(path) / field):
                    super().from_disk(path, exclude=exclude + others)
        settle(self, saved, prefer_saved="learned_length" not in saved)
        return self

    @contextmanager
    def _restoring(self, source: str | Path) -> Iterator[dict[str, Any]]:
        """Load a state in this context. The component keeps its settings; the saved
        state is in the yielded table when the context ends. Labels and weights are
        checked."""
        head = head_settings(self.model)
        configured, self.cfg = self.cfg, {}
        saved: dict[str, Any] = {}
        try:
            yield saved
        finally:
            saved.update(self.cfg)
            settings = {setting: configured[setting] for setting in DEFAULTS}
            self.cfg = {**configured, **saved, **settings}
        check_loaded(self.name, source, self.model, self.cfg["labels"], head)
        check_learned_length(self.name, source, self.cfg["learned_length"])
        for label in self.labels:
            # The vocab may not have been saved.
            self.vocab.strings.add(label)

    def score_matrix(self, doc: Doc) -> np.ndarray:
        """Compute the scores (logits) of all token pairs of a doc, for inspection.

        doc (Doc): The doc, of n tokens.
        RETURNS (np.ndarray): float32 of shape (labels, n, n): label, start
            token, end token (inclusive); -inf below the diagonal.
        RAISES (ValueError): If the doc lacks the vectors that the model listens for.
        """
        if not len(doc):
            return np.zeros((len(self.labels), 0, 0), dtype="float32")
        check_vectors(self.name, self.model, [doc])
        return score_matrix(self.model.predict([doc]))


def _beginning(doc: Doc) -> str:
    return doc.text[:50]
