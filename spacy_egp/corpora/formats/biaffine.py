"""biaffine-ner's JSONL: documents of tokenized sentences, each with its own offsets.

Source: https://github.com/juntaoy/biaffine-ner
"""

from itertools import accumulate, chain
from typing import Any, ClassVar

from ..format import task_format
from ..records import Offsets, TokenRecord
from ..schema import Linked, Number, Task, check_lengths, count_links


class BiaffineTask(Linked, Task):
    """A document. Offsets count the tokens of a sentence; the end is inclusive."""

    EXAMPLE: ClassVar[str] = (
        '{"doc_key": "1", "sentences": [["Ann", "left"]], "ners": [[[0, 0, "PER"]]]}'
    )

    sentences: list[list[str]]
    ners: list[list[tuple[Number, Number, str]]]

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        return "sentences" in task and "ners" in task

    def to_record(self, source: str) -> TokenRecord:
        check_lengths(source, self.sentences, self.ners)
        starts = list(accumulate(map(len, self.sentences), initial=0))
        return TokenRecord(
            source=source,
            document=source,
            words=list(chain.from_iterable(self.sentences)),
            spans=[
                Offsets(offset + start, offset + last + 1, label)
                for offset, spans in zip(starts, self.ners, strict=False)
                for start, last, label in spans
            ],
            sent_starts=[
                start
                for start, words in zip(starts, self.sentences, strict=False)
                if words
            ],
            other=count_links(vars(self)),
        )


FORMAT = task_format("biaffine", BiaffineTask)
