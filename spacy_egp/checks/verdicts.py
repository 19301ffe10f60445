"""What the counts mean for training: what breaks it, and what a person should see."""

from collections.abc import Iterator, Mapping

from ..errors import Errors
from .counts import PartCounts, Problem
from .repeats import Repeats
from .settings import Settings

# As in spaCy's debug data.
RARE_LABEL = 50
# Labels that a sentence names.
MAX_NAMED = 10


def find_errors(parts: Mapping[str, PartCounts], settings: Settings) -> list[str]:
    """Find what would break training.

    parts (Mapping[str, PartCounts]): The counts by part.
    settings (Settings): What the spans were checked against.
    RETURNS (list[str]): A sentence for each error.
    """
    return [
        f"{part}: {error}"
        for part, counts in parts.items()
        for error in _part_errors(counts, settings)
    ]


def _part_errors(counts: PartCounts, settings: Settings) -> Iterator[str]:
    census = counts.census
    n_annotated = census.n_docs - census.n_unannotated
    if counts.bad_lists:
        yield Errors.EGP276.format(
            n_docs=counts.bad_lists,
            spans_key=settings.spans_key,
            labels_attr=settings.labels_attr,
        )
    if not census.n_docs:
        yield Errors.EGP270
    elif not n_annotated:
        yield Errors.EGP271.format(
            n_docs=census.n_docs, spans_key=settings.spans_key, hint=census.hint
        )
    elif not counts.spans:
        yield Errors.EGP272.format(n_docs=n_annotated)
    else:
        n_unlabeled = counts.problems[Problem.UNLABELED].count
        n_misaligned = counts.problems[Problem.MISALIGNED].count
        if n_unlabeled:
            yield Errors.EGP273.format(n_spans=n_unlabeled)
        if 2 * n_misaligned > counts.spans:
            yield Errors.EGP274.format(n_misaligned=n_misaligned, n_spans=counts.spans)
        elif not counts.learned:
            yield Errors.EGP275.format(n_spans=counts.spans)


def find_warnings(
    parts: Mapping[str, PartCounts], repeats: Repeats, settings: Settings
) -> list[str]:
    """Find what a person should see.

    parts (Mapping[str, PartCounts]): The counts by part, the training part first.
    repeats (Repeats): Equal texts.
    settings (Settings): What the spans were checked against.
    RETURNS (list[str]): A sentence for each.
    """
    warnings = [
        f"{part}: {warning}"
        for part, counts in parts.items()
        for warning in _part_warnings(counts, settings)
    ]
    train, *others = parts
    rare = {label for label, n in parts[train].labels.items() if n < RARE_LABEL}
    if rare:
        warnings.append(f"{train}: fewer than {RARE_LABEL} spans have {_name(rare)}")
    for part in others:
        missing = parts[train].labels.keys() - parts[part].labels.keys()
        unknown = parts[part].labels.keys() - parts[train].labels.keys()
        if missing:
            warnings.append(f"{part}: no span has a label of {_name(missing)}")
        if unknown:
            warnings.append(
                f"{part}: labels that {train} lacks cannot be learned: {_name(unknown)}"
            )
    if repeats.leaks.count:
        warnings.append(
            f"{repeats.leaks.count} docs of a part have the text of a doc of another "
            "part: scores will be too good"
        )
    if repeats.other.count:
        warnings.append(
            f"{repeats.other.count} docs have the text of an earlier doc, but other "
            "spans"
        )
    if repeats.same.count:
        warnings.append(
            f"{repeats.same.count} docs have text and spans of an earlier doc"
        )
    return warnings


def _part_warnings(counts: PartCounts, settings: Settings) -> Iterator[str]:
    census = counts.census
    if 0 < census.n_unannotated < census.n_docs:
        yield (
            f"{census.n_unannotated} docs have no doc.spans[{settings.spans_key!r}] "
            f"and count as not annotated.{census.hint}"
        )
    for n, sentence in (
        (counts.empty, "docs have no text"),
        (counts.without_sentences, "docs lack the sentences that spans must be within"),
        (counts.tokens_without_pieces, "tokens have no word pieces"),
        (counts.crossing, "spans cross another one"),
    ):
        if n:
            yield f"{n} {sentence}"
    for problem, places in counts.problems.items():
        if places.count:
            yield f"{places.count} spans {problem.description}"


def _name(labels: set[str]) -> str:
    names = sorted(labels)
    rest = len(names) - MAX_NAMED
    named = ", ".join(map(repr, names[:MAX_NAMED]))
    return f"{named} and {rest} others" if rest > 0 else named
