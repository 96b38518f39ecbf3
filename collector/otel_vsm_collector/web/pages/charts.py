"""Where the marks of charts lie, in the units of their view boxes; templates draw them."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

Values = Sequence[float | None]


class Spark(NamedTuple):
    width: int
    height: int
    lines: list[str]
    dots: list[tuple[float, float]]
    """The last value, and those that no line goes through."""


class Bar(NamedTuple):
    x: float
    y: float
    width: float
    height: float
    label: str
    value: str
    title: str

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)


class Bars(NamedTuple):
    width: int
    height: int
    base: float
    bars: list[Bar]


class Line(NamedTuple):
    number: int
    name: str
    segments: list[str]
    dots: list[tuple[float, float, str]]


class Lines(NamedTuple):
    width: int
    height: int
    left: int
    right: int
    rows: list[tuple[float, str]]
    columns: list[tuple[float, str]]
    lines: list[Line]


def spark(values: Values, width: int = 180, height: int = 36) -> Spark:
    """A line without axes; where there is no value it is broken."""
    points = _points(values, 3, width - 3, height - 4, 4)
    around = zip([None, *points], points, [*points[1:], None], strict=False)
    alone = [point for before, point, after in around if point and not before and not after]
    last = [point for point in points if point][-1:]
    return Spark(width, height, _segments(points), list(dict.fromkeys([*alone, *last])))


def bars(numbers: Sequence[tuple[str, int, str]], width: int = 720, height: int = 200) -> Bars:
    """A bar for each label with its number and what is said of it."""
    base, top = height - 22.0, 18.0
    each = min(width / max(len(numbers), 1), 120)
    most = max((number for _, number, _ in numbers), default=0) or 1
    drawn = []
    for index, (label, number, title) in enumerate(numbers):
        tall = round((base - top) * number / most, 1)
        x, y = round(index * each + each * 0.1, 1), round(base - tall, 1)
        drawn.append(Bar(x, y, round(each * 0.8, 1), tall, label, str(number) if number else "", title))
    return Bars(width, height, base, drawn)


def lines(
    series: Mapping[str, Values],
    labels: Sequence[str],
    written: Callable[[float], str],
    width: int = 720,
    height: int = 220,
) -> Lines:
    """Lines over the same steps, from 0 on; `labels` name the steps, `written` says what stands at a
    value."""
    left, right, top, bottom = 76, width - 16, 12, height - 26
    most = max((value for values in series.values() for value in values if value is not None), default=0) or 1
    drawn = []
    for number, (name, values) in enumerate(series.items()):
        points = _points(values, left, right, bottom, top, most)
        dots = [
            (*point, f"{name}, {label}: {written(value)}")
            for point, label, value in zip(points, labels, values, strict=True)
            if point is not None and value is not None
        ]
        drawn.append(Line(number, name, _segments(points), dots if len(values) <= 60 else []))
    every = max(1, -(-len(labels) // 8))
    columns = [
        (round(_x(number, len(labels), left, right), 1), label)
        for number, label in enumerate(labels)
        if number % every == 0
    ]
    rows = [(round(bottom - (bottom - top) * part, 1), written(most * part)) for part in (0, 0.5, 1)]
    return Lines(width, height, left, right, rows, columns, drawn)


def _points(
    values: Values, left: float, right: float, bottom: float, top: float, most: float | None = None
) -> list[tuple[float, float] | None]:
    most = most or max((value for value in values if value is not None), default=0) or 1
    return [
        None
        if value is None
        else (
            round(_x(number, len(values), left, right), 1),
            round(bottom - (bottom - top) * value / most, 1),
        )
        for number, value in enumerate(values)
    ]


def _x(number: int, of: int, left: float, right: float) -> float:
    return right if of == 1 else left + (right - left) * number / (of - 1)


def _segments(points: Sequence[tuple[float, float] | None]) -> list[str]:
    """The stretches without a gap, as SVG writes points."""
    stretches: list[list[str]] = [[]]
    for point in points:
        if point is None:
            stretches.append([])
        else:
            stretches[-1].append(f"{point[0]},{point[1]}")
    return [" ".join(stretch) for stretch in stretches if len(stretch) > 1]
