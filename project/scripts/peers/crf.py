"""A CRF tagger of flat entities, `crf_ner`, to compare `egp_ner` with. Load it with
`--code scripts/peers/crf.py`.

The linear-chain CRF is that of pytorch-crf. Tags are BIO: 0 is O, 2c + 1 is B and
2c + 2 is I of label c.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example
from spacy.util import filter_spans, minibatch, registry
from spacy.vocab import Vocab
from thinc.api import (
    Model,
    chain,
    list2ragged,
    torch2xp,
    with_array,
    xp2torch,
)
from thinc.types import Floats1d, Floats2d, Ints1d, Ragged
from thinc.util import get_width
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torchcrf import CRF

from spacy_egp.component import DEFAULT_MODEL as EGP_MODEL
from spacy_egp.gold import align_spans
from spacy_egp.layers import ScaledLinear
from spacy_egp.scoring import span_score

# Docs, sorted by length, that are padded to one length and decoded together.
DECODED_TOGETHER = 128
# The parameters of the CRF, as pytorch-crf names them.
TRANSITIONS = ("start_transitions", "transitions", "end_transitions")

DEFAULT_MODEL = {
    "@architectures": "spacy-egp-project.CRF.v1",
    "tok2vec": EGP_MODEL["tok2vec"],
}


@dataclass(frozen=True)
class TagScores:
    """Scores of tag sequences of docs with T tokens together; a gradient with respect
    to the scores is held in the same record.

    emissions (Floats2d): Score of each tag of a token, float32 of shape (T, tags).
    start_transitions (Floats1d): Score of the first tag, float32 of shape (tags,).
    transitions (Floats2d): Score of a tag (row) and the next one (column), float32 of
        shape (tags, tags); -inf if the next one cannot follow.
    end_transitions (Floats1d): Score of the last tag, float32 of shape (tags,).
    lengths (Ints1d): Number of tokens of each doc, int32 of shape (docs,).
    """

    emissions: Floats2d
    start_transitions: Floats1d
    transitions: Floats2d
    end_transitions: Floats1d
    lengths: Ints1d


@registry.architectures("spacy-egp-project.CRF.v1")
def make_crf_model(
    tok2vec: Model[list[Doc], list[Floats2d]],
    learn_rate_scale: float = 1.0,
    nO: int | None = None,
) -> Model[list[Doc], TagScores]:
    """Create the scores of tag sequences: a linear layer for the emissions, and the
    transitions.

    tok2vec (Model[List[Doc], List[Floats2d]]): The tok2vec layer of the model.
    learn_rate_scale (float): Factor on the optimizer's learning rate for the layers on
        top of the tok2vec layer, as `spacy-egp.EfficientGlobalPointer.v1` has it.
    nO (Optional[int]): Number of tags. Set by the component.
    """
    emissions = ScaledLinear(
        nO=nO, nI=tok2vec.maybe_get_dim("nO"), learn_rate_scale=learn_rate_scale
    )
    transitions = with_transitions(nO, learn_rate_scale)
    model: Model[list[Doc], TagScores] = chain(
        tok2vec, list2ragged(), with_array(emissions), transitions
    )
    model.set_ref("tok2vec", tok2vec)
    return model


def with_transitions(
    nO: int | None = None, learn_rate_scale: float = 1.0
) -> Model[Ragged, TagScores]:
    """Add the scores of transitions to the emissions of docs.

    They are parameters of this layer, not of a PyTorchWrapper, so that the optimizer
    averages them as it does those of the other layers.

    nO (Optional[int]): Number of tags.
    learn_rate_scale (float): Factor on the parameters, and so on how far the scores
        move at a step of the optimizer.
    """
    return Model(
        "with_transitions",
        _transitions_forward,
        init=_transitions_init,
        dims={"nO": nO},
        params=dict.fromkeys(TRANSITIONS),
        attrs={"learn_rate_scale": learn_rate_scale},
    )


def _transitions_forward(
    model: Model[Ragged, TagScores], Xr: Ragged, is_train: bool
) -> tuple[TagScores, Callable]:
    xp = model.ops.xp
    never_first, never_next = _impossible(xp, model.get_dim("nO"))
    scale = model.attrs["learn_rate_scale"]
    start, transitions, end = (scale * model.get_param(name) for name in TRANSITIONS)

    def backprop(gradient: TagScores) -> Ragged:
        for name in TRANSITIONS:
            model.inc_grad(name, scale * getattr(gradient, name))
        return Ragged(gradient.emissions, Xr.lengths)

    scores = TagScores(
        emissions=cast(Floats2d, Xr.dataXd),
        start_transitions=xp.where(never_first, -xp.inf, start),
        transitions=xp.where(never_next, -xp.inf, transitions),
        end_transitions=cast(Floats1d, end),
        lengths=Xr.lengths,
    )
    return scores, backprop


def _transitions_init(
    model: Model[Ragged, TagScores],
    X: Ragged | None = None,
    Y: Floats2d | None = None,
) -> None:
    if Y is not None:
        model.set_dim("nO", get_width(Y))
    n_tags = model.get_dim("nO")
    model.set_param("start_transitions", model.ops.alloc1f(n_tags))
    model.set_param("transitions", model.ops.alloc2f(n_tags, n_tags))
    model.set_param("end_transitions", model.ops.alloc1f(n_tags))


def _impossible(xp, n_tags: int):
    """Which tags cannot be first, bool of shape (tags,), and which cannot follow
    which, (tags, tags): I only follows B or I of its label."""
    tags = xp.arange(n_tags)
    labels = (tags - 1) // 2
    is_inside = (tags > 0) & (tags % 2 == 0)
    return is_inside, is_inside & (labels[:, None] != labels)


def crf_loss(
    scores: TagScores, gold: Sequence[np.ndarray | None]
) -> tuple[float, TagScores]:
    """Compute the mean over docs of the negative log-likelihood of their gold tags,
    and its gradient.

    scores (TagScores): Scores of the docs.
    gold (Sequence[Optional[np.ndarray]]): The tags of each doc, int64 of shape
        (tokens,). None for a doc that is not annotated: it has no part in the loss.
    RETURNS (Tuple[float, TagScores]): The loss and its gradient with respect to the
        scores.
    """
    emissions = xp2torch(scores.emissions, requires_grad=True)
    crf = _load_crf(scores)
    by_doc = emissions.split(scores.lengths.tolist())
    annotated = [
        (doc_emissions, torch.from_numpy(tags).to(emissions.device))
        for doc_emissions, tags in zip(by_doc, gold, strict=True)
        if tags is not None and len(tags)
    ]
    if annotated:
        loss = -_log_likelihood(crf, *zip(*annotated, strict=True))
    else:
        loss = emissions.sum() * 0
    inputs = [emissions, *(getattr(crf, name) for name in TRANSITIONS)]
    gradients = torch.autograd.grad(loss, inputs, materialize_grads=True)
    d_scores: Any = [*map(torch2xp, gradients), scores.lengths]
    return loss.item(), TagScores(*d_scores)


def _load_crf(scores: TagScores) -> CRF:
    crf = CRF(scores.emissions.shape[1])
    transitions = {name: xp2torch(getattr(scores, name)) for name in TRANSITIONS}
    crf.load_state_dict(transitions, assign=True)
    return crf


def _log_likelihood(
    crf: CRF, emissions: Sequence[Tensor], tags: Sequence[Tensor]
) -> Tensor:
    """Mean over docs with emissions of shape (n, tags) and tags of shape (n,)."""
    padded_tags = pad_sequence(list(tags), padding_value=-1)
    return crf(
        pad_sequence(list(emissions)),
        padded_tags.clamp(min=0),
        mask=padded_tags >= 0,
        reduction="mean",
    )


def viterbi(scores: TagScores) -> list[np.ndarray]:
    """Find the best tags of docs.

    scores (TagScores): Scores of the docs.
    RETURNS (List[np.ndarray]): The tags of each doc, int64 of shape (tokens,).
    """
    # pytorch-crf follows the best path back token by token; on a GPU each step would
    # wait for a transfer.
    crf = _load_crf(scores).cpu()
    lengths = xp2torch(scores.lengths).cpu()
    emissions = xp2torch(scores.emissions).cpu().split(lengths.tolist())
    tags = [np.zeros((0,), dtype="int64")] * len(lengths)
    order = lengths.argsort()
    order = order[lengths[order] > 0]
    for docs in minibatch(order.tolist(), DECODED_TOGETHER):
        padded = pad_sequence([emissions[i] for i in docs])
        mask = torch.arange(len(padded))[:, None] < lengths[docs]
        with torch.no_grad():
            paths = crf.decode(padded, mask=mask)
        for i, path in zip(docs, paths, strict=True):
            tags[i] = np.asarray(path)
    return tags


@Language.factory(
    "crf_ner",
    assigns=["doc.spans"],
    default_config={
        "model": DEFAULT_MODEL,
        "spans_key": "sc",
        "scorer": {"@scorers": "spacy-egp.span_scorer.v1"},
    },
    default_score_weights={"spans_sc_f": 1.0, "spans_sc_p": 0.0, "spans_sc_r": 0.0},
)
def make_crf_ner(
    nlp: Language,
    name: str,
    model: Model[list[Doc], TagScores],
    spans_key: str,
    scorer: Callable | None,
) -> "CRFRecognizer":
    """Create a `CRFRecognizer`; see its docstring for the settings."""
    return CRFRecognizer(nlp.vocab, model, name, spans_key=spans_key, scorer=scorer)


class CRFRecognizer(TrainablePipe):
    """Recognize flat entities by the best sequence of BIO tags.

    It learns the outermost of the gold spans in `doc.spans[spans_key]`, and writes
    its predictions there.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], TagScores],
        name: str = "crf_ner",
        *,
        spans_key: str = "sc",
        scorer: Callable | None = span_score,
    ) -> None:
        """Initialize the component.

        vocab (Vocab): The shared vocabulary.
        model (Model[List[Doc], TagScores]): The Thinc model.
        name (str): Name of the component in the pipeline, its key in the losses.
        spans_key (str): Key of `doc.spans` for gold and predicted spans.
        scorer (Optional[Callable]): The scoring method.
        """
        self.vocab = vocab
        self.model = model
        self.name = name
        self.scorer = scorer
        self.cfg: dict[str, Any] = {"labels": [], "spans_key": spans_key}

    @property
    def key(self) -> str:
        """RETURNS (str): Key of `doc.spans` for gold and predicted spans."""
        return str(self.cfg["spans_key"])

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (Tuple[str, ...]): The labels, in the order of the tags."""
        return tuple(self.cfg["labels"])

    @property
    def label_data(self) -> list[str]:
        """RETURNS (List[str]): The labels, as `initialize` takes them."""
        return list(self.labels)

    def add_label(self, label: str) -> int:
        """Add a label to a component that is not initialized.

        label (str): The label.
        RETURNS (int): 0 if the label is already present, otherwise 1.
        RAISES (ValueError): If the model is initialized.
        """
        if label in self.cfg["labels"]:
            return 0
        if self.model.has_dim("nO"):
            raise ValueError(
                f"'{self.name}': label '{label}' cannot be added to an initialized "
                f"model. Add labels before initialize."
            )
        self.cfg["labels"].append(label)
        self.vocab.strings.add(label)
        return 1

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        """Initialize the model for training, and warn of the gold spans that flat tags
        cannot hold.

        get_examples (Callable[[], Iterable[Example]]): Returns representative gold
            examples.
        nlp (Optional[Language]): The current nlp object.
        labels (Optional[Sequence[str]]): The labels, as generated by `spacy init
            labels`. Defaults to those of the examples' gold spans.
        RAISES (ValueError): If there are no labels or no examples.
        """
        examples = list(get_examples())
        gold = [example.reference.spans.get(self.key, ()) for example in examples]
        if labels is None:
            labels = [span.label_ for spans in gold for span in spans]
        for label in labels:
            self.add_label(label)
        if not examples or not self.labels:
            raise ValueError(
                f"'{self.name}': no examples or no labels to initialize with. Check "
                f"doc.spans['{self.key}'] of the training corpus."
            )
        n_spans = sum(map(len, gold))
        n_flat = sum(len(self._flat_gold(example) or ()) for example in examples)
        if n_flat < n_spans:
            warnings.warn(
                f"'{self.name}': {n_spans - n_flat} of {n_spans} gold spans in "
                f"doc.spans['{self.key}'] are left out of training: they overlap a "
                f"longer span or do not fit the tokens.",
                stacklevel=2,
            )
        self.model.initialize(
            X=[example.x for example in examples[:10]],
            # Thinc's convention: a sample of the output's width.
            Y=self.model.ops.alloc2f(1, 2 * len(self.labels) + 1),  # type: ignore[arg-type]
        )

    def predict(self, docs: Iterable[Doc]) -> list[np.ndarray]:
        """Find the tags of docs, without modifying them.

        docs (Iterable[Doc]): The docs.
        RETURNS (List[np.ndarray]): Their tags, int64 of shape (tokens,) each.
        """
        docs = list(docs)
        if not any(len(doc) for doc in docs):
            return [np.zeros((0,), dtype="int64") for _ in docs]
        return viterbi(self.model.predict(docs))

    def set_annotations(self, docs: Iterable[Doc], tags: list[np.ndarray]) -> None:
        """Write spans to `doc.spans`.

        docs (Iterable[Doc]): The docs.
        tags (List[np.ndarray]): Their tags, produced by `predict`.
        """
        label_ids = [self.vocab.strings[label] for label in self.labels]
        for doc, doc_tags in zip(docs, tags, strict=True):
            is_begin = doc_tags % 2 == 1
            begins = np.flatnonzero(is_begin)
            # A span ends before the next tag that is not I, or at the doc's end.
            bounds = np.append(np.flatnonzero(is_begin | (doc_tags == 0)), len(doc))
            ends = bounds[np.searchsorted(bounds, begins, side="right")]
            labels = doc_tags[begins] // 2
            doc.spans[self.key] = SpanGroup(
                doc,
                name=self.key,
                spans=[
                    Span(doc, begin, end, label=label_ids[label])
                    for begin, end, label in zip(
                        begins.tolist(), ends.tolist(), labels.tolist(), strict=True
                    )
                ],
            )

    def get_loss(
        self, examples: Iterable[Example], scores: TagScores
    ) -> tuple[float, TagScores]:
        """Compute the mean over docs of the negative log-likelihood of the gold tags,
        and its gradient.

        A doc whose reference lacks the spans key is not annotated and has no part in
        the loss; a doc with an empty group has no entities.

        examples (Iterable[Example]): The examples.
        scores (TagScores): The model's output for their predicted docs.
        RETURNS (Tuple[float, TagScores]): The loss and its gradient with respect to
            the scores.
        RAISES (KeyError): If a gold span has a label that the component lacks.
        """
        label_ids = {label: i for i, label in enumerate(self.labels)}
        return crf_loss(scores, [self._gold(eg, label_ids) for eg in examples])

    def _gold(self, example: Example, label_ids: dict[str, int]) -> np.ndarray | None:
        """Gold tags of the predicted doc's tokens, as `crf_loss` takes them."""
        spans = self._flat_gold(example)
        if spans is None:
            return None
        tags = np.zeros((len(example.predicted),), dtype="int64")
        for span in spans:
            begin_tag = 2 * label_ids[span.label_] + 1
            tags[span.start] = begin_tag
            tags[span.start + 1 : span.end] = begin_tag + 1
        return tags

    def _flat_gold(self, example: Example) -> list[Span] | None:
        """The outermost gold spans, on the predicted doc's tokens."""
        if self.key not in example.reference.spans:
            return None
        return filter_spans(align_spans(example, example.reference.spans[self.key]))
