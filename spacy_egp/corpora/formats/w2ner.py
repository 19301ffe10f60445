"""W2NER's JSON: the tokens of a sentence, and the indices of those of each entity.

Source: https://github.com/ljynlp/W2NER
"""

from typing import Any, ClassVar

from pydantic import BaseModel

from ...errors import Errors
from ..format import task_format
from ..records import BadRecord, Offsets, SpanText, TokenRecord, shorten
from ..schema import Linked, Number, Task, count_links


class W2nerEntity(BaseModel):
    """The tokens of a span, which need not be adjacent."""

    index: list[Number]
    type: str


class W2nerTask(Linked, Task):
    """A tokenized sentence."""

    EXAMPLE: ClassVar[str] = (
        '{"sentence": ["Ann", "left"], "ner": [{"index": [0], "type": "PER"}]}'
    )

    sentence: list[str]
    ner: list[W2nerEntity] | None

    @staticmethod
    def matches(task: dict[str, Any]) -> bool:
        return isinstance(task.get("sentence"), list) and "ner" in task

    def to_record(self, source: str) -> TokenRecord:
        record = TokenRecord(
            source=source,
            document=source,
            words=self.sentence,
            spans=[],
            other=count_links(vars(self)),
        )
        n_words = len(self.sentence)
        for entity in self.ner or []:
            index, label = sorted(set(entity.index)), entity.type
            if not index or not 0 <= index[0] <= index[-1] < n_words:
                start, end = (index[0], index[-1] + 1) if index else (0, 0)
                problem = Errors.EGP214.format(
                    start=start,
                    end=end,
                    label=shorten(label),
                    n_parts=n_words,
                    unit="tokens",
                )
                record.bad.append(BadRecord(source, problem))
            elif index[-1] - index[0] == len(index) - 1:
                record.spans.append(Offsets(index[0], index[-1] + 1, label))
            else:
                text = " ".join(self.sentence[i] for i in index)
                record.discontinuous.append(SpanText(source, label, text))
        return record


FORMAT = task_format("w2ner", W2nerTask)
