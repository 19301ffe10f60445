"""The random division of a corpus into training, development and test docs."""

import math
import random
from collections.abc import Sequence

from ..errors import Errors

NAMES = ("train", "dev", "test")


class Split:
    """Draws the part for one doc after another, without knowing how many there are.

    The further a part is below its ratio, the more likely it is drawn. The ratios
    therefore hold within a few docs (or documents), however small the corpus is. Equal
    texts go to the same part, unless their documents are already in different parts.

    ratios (Sequence[float]): The shares of train, dev and, if there are three, test.
    by_document (bool): Whether the docs of a document go to the same part.
    seed (int): The random seed. The same seed and input give the same split.
    RAISES (ValueError): If the ratios are not two or three shares that add up to 1.
    """

    def __init__(self, ratios: Sequence[float], by_document: bool, seed: int) -> None:
        if (
            len(ratios) not in (2, 3)
            or min(ratios) < 0
            or not math.isclose(sum(ratios), 1)
        ):
            raise ValueError(Errors.EGP201.format(ratios=ratios))
        self.ratios = dict(zip(NAMES, ratios, strict=False))
        self.counts = dict.fromkeys(self.ratios, 0)
        self.by_document = by_document
        self.documents: dict[str, str] = {}
        self.texts: dict[int, str] = {}
        self.random = random.Random(seed)

    def draw(self, document: str, text: str) -> str:
        """Choose the part for the next doc.

        document (str): The document to which it belongs.
        text (str): Its text.
        RETURNS (str): The part.
        """
        part = self.documents.get(document) or self.texts.get(hash(text))
        part = part or self._draw_lacking()
        self.texts.setdefault(hash(text), part)
        if self.by_document:
            self.documents[document] = part
        self.counts[part] += 1
        return part

    def check(self) -> None:
        """RAISES (ValueError): If all docs belong to one document, which no split can
        keep together."""
        if self.by_document and len(self.documents) == 1:
            raise ValueError(Errors.EGP261.format(document=next(iter(self.documents))))

    def _draw_lacking(self) -> str:
        total = 1 + sum(self.counts.values())
        lacking = [
            max(0, share * total - self.counts[part])
            for part, share in self.ratios.items()
        ]
        return self.random.choices(list(self.ratios), lacking)[0]
