"""What was annotated and what failed, in a part or in a whole run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from spacy.tokens import Doc

from ..corpora.summary import MAX_EXAMPLES, Tally
from .documents import Failure


@dataclass
class Counts:
    """Counts over documents.

    docs (int): Documents that were annotated.
    words (int): Their tokens.
    labels (Counter[str]): Spans by label.
    failed (Tally[Failure]): Documents that were not, with the reasons.
    temporary (int): Those among them for which memory or time ran out.
    """

    docs: int = 0
    words: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    failed: Tally[Failure] = field(default_factory=Tally)
    temporary: int = 0

    def add_failures(self, failures: Sequence[Failure]) -> None:
        """failures (Sequence[Failure]): Documents that failed."""
        self.failed.add(failures)
        self.temporary += sum(failure.temporary for failure in failures)

    def add_doc(self, doc: Doc, spans_key: str) -> None:
        """Count a doc that is annotated.

        doc (Doc): The doc.
        spans_key (str): Key of its spans.
        """
        self.docs += 1
        self.words += len(doc)
        self.labels.update(span.label_ for span in doc.spans[spans_key])

    def add(self, other: "Counts") -> None:
        """other (Counts): Counts over other documents."""
        self.docs += other.docs
        self.words += other.words
        self.labels += other.labels
        self.failed.count += other.failed.count
        self.failed.first = (self.failed.first + other.failed.first)[:MAX_EXAMPLES]
        self.temporary += other.temporary

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): The counts as JSON objects."""
        first = [failure._asdict() for failure in self.failed.first]
        return {
            "docs": self.docs,
            "words": self.words,
            "labels": dict(self.labels.most_common()),
            "failed": {"count": self.failed.count, "first": first},
            "temporary": self.temporary,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Counts":
        """data (dict[str, Any]): What to_dict returns."""
        first = [Failure(**failure) for failure in data["failed"]["first"]]
        return cls(
            docs=int(data["docs"]),
            words=int(data["words"]),
            labels=Counter({str(k): int(n) for k, n in data["labels"].items()}),
            failed=Tally(int(data["failed"]["count"]), first),
            temporary=int(data["temporary"]),
        )


@dataclass
class Summary:
    """The result of a run.

    output (str): URL of the folder.
    parts (int): Parts in it.
    total (Counts): Counts over all parts.
    run (Counts): Counts over the parts that this run has added.
    seconds (float): Wall time of adding them.
    """

    output: str
    parts: int = 0
    total: Counts = field(default_factory=Counts)
    run: Counts = field(default_factory=Counts)
    seconds: float = 0.0

    def add(self, counts: Counts, seconds: float) -> None:
        """Count a part that this run has added.

        counts (Counts): Its counts.
        seconds (float): Time since the run began.
        """
        self.total.add(counts)
        self.run.add(counts)
        self.seconds = seconds

    @property
    def docs_per_second(self) -> float:
        """RETURNS (float): Documents annotated per second of this run."""
        return self.run.docs / self.seconds if self.seconds else 0.0

    @property
    def words_per_second(self) -> float:
        """RETURNS (float): Tokens annotated per second of this run."""
        return self.run.words / self.seconds if self.seconds else 0.0

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): The summary as JSON objects."""
        return {
            "output": self.output,
            "parts": self.parts,
            "total": self.total.to_dict(),
            "run": self.run.to_dict(),
            "seconds": self.seconds,
            "docs_per_second": self.docs_per_second,
            "words_per_second": self.words_per_second,
        }
