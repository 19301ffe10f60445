"""DyGIE++'s JSONL: documents of tokenized sentences. SciERC and PURE have it, too.

Source: https://github.com/dwadden/dygiepp/blob/master/doc/data.md
"""

from collections import Counter
from itertools import accumulate, chain
from typing import Any, ClassVar

from ..format import task_format
from ..records import Offsets, TokenRecord
from ..schema import Number, Task, check_lengths


class DygieTask(Task):
    """A document. Offsets count its tokens, from the first of the document; the end is
    inclusive."""

    EXAMPLE: ClassVar[str] = (
        '{"doc_key": "1", "sentences": [["Ann", "left"]], "ner": [[[0, 0, "PER"]]]}'
    )

    sentences: list[list[str]]
    ner: list[list[tuple[Number, Number, str]]] | None
    relations: list[list[Any]] | None = None
    events: list[list[Any]] | None = None
    clusters: list[Any] | None = None

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        return isinstance(task.get("sentences"), list) and "ner" in task

    def to_record(self, source: str) -> TokenRecord:
        check_lengths(source, self.sentences, self.ner)
        lengths = map(len, self.sentences)
        starts = accumulate(lengths, initial=0)
        spans = chain.from_iterable(self.ner or [])
        return TokenRecord(
            source=source,
            document=source,
            words=list(chain.from_iterable(self.sentences)),
            spans=[Offsets(start, last + 1, label) for start, last, label in spans],
            sent_starts=[
                start
                for start, words in zip(starts, self.sentences, strict=False)
                if words
            ],
            other=Counter(
                relations=sum(map(len, self.relations or [])),
                events=sum(map(len, self.events or [])),
                clusters=len(self.clusters or []),
            ),
        )


FORMAT = task_format("dygie", DygieTask)
