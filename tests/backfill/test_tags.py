"""Which tags are deployments, and in which order they come."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_vsm.backfill.tags import Choice, Tag, in_order, is_pre_release


@pytest.mark.parametrize(
    "name",
    [
        *("1.0a1", "1.0-alpha", "1.0.b2", "v2.0.0-beta.1", "1.0c1", "8.0.0rc1", "v1.0-RC.2", "1.0_pre1"),
        *("1.0-preview", "0.13.0.dev0", "1.0-SNAPSHOT", "5.0.0.M1", "1.0-m2", "1.0-milestone-3"),
        *(
            "v1.2.3-canary.4",
            "2.0.0-next.5",
            "2026.05.01-nightly",
            "shop@1.0.0-rc.1",
            "@acme/shop@1.0.0-rc.1",
        ),
        *("lib/cart/v1.0.0-beta", "3rc1", "v1.0.0-rc.1+build.7", "1.0-beta2-linux"),
    ],
)
def test_a_pre_release_is_known_by_its_name(name: str) -> None:
    assert is_pre_release(name)


@pytest.mark.parametrize(
    "name",
    [
        *("1.0", "v1.0.0", "shop@1.0.0", "lib/v1.0.0", "1.0.post1", "1.0.0-1", "1.0-final", "nightly", "rc1"),
        *(
            "v1.0.0-macos",
            "1.0-alpine",
            "1.0-beneath",
            "1.0-rcx",
            "1.0.0-a1b2c3d",
            "1.0.0-c0ffee",
            "1.0+rc1x",
        ),
        *("2026-05-01", "release-candidate", "beta/v1.0", "dev@1.0", "1.0-x-rc1"),
    ],
)
def test_a_release_is_none(name: str) -> None:
    assert not is_pre_release(name)


NAMES = ("v1.0", "v1.1-rc.1", "v1.1", "nightly")


@pytest.mark.parametrize(
    ("globs", "chosen", "left_out"),
    [
        ((), "v1.0 v1.1 nightly", "v1.1-rc.1"),
        (("*",), "v1.0 v1.1-rc.1 v1.1 nightly", ""),
        (("v1.1*",), "v1.1-rc.1 v1.1", ""),
        (("v1.0", "nightly"), "v1.0 nightly", ""),
        (("v*", "!*-rc*"), "v1.0 v1.1", ""),
        (("!*-rc*", "v*"), "v1.0 v1.1", ""),
        (("!nightly",), "v1.0 v1.1", "v1.1-rc.1"),
        (("!nightly", "!*-rc*"), "v1.0 v1.1", ""),
        (("V*",), "", ""),
    ],
)
def test_globs_choose_and_take_away_again(globs: tuple[str, ...], chosen: str, left_out: str) -> None:
    choice = Choice(globs)
    assert [name for name in NAMES if name in choice] == chosen.split()
    assert [name for name in NAMES if choice.leaves_out(name)] == left_out.split()


def tag(name: str, commit: str, at_s: int = 1) -> Tag:
    return Tag(name=name, commit=commit, revision=commit, at_s=at_s)


def test_tags_come_by_time_then_ancestry_then_name() -> None:
    # a - b - c, and x beside them
    parents = {"a": (), "b": ("a",), "c": ("b",), "x": ("a",)}
    tags = [
        tag("v10", "c"),
        tag("v9", "b"),
        tag("v8", "a"),
        tag("v8-again", "a"),
        tag("v1", "x"),
        tag("v0", "a", 2),
    ]
    for given_order in itertools.permutations(tags):
        assert [one.name for one in in_order(given_order, parents)] == [
            "v8",
            "v8-again",
            "v1",
            "v9",
            "v10",
            "v0",
        ]


@given(st.data())
def test_what_stands_on_another_comes_after_it_and_else_the_name_decides(data: st.DataObject) -> None:
    """Against whole sets of ancestors: each time the first by name of those that wait for none."""
    number = data.draw(st.integers(1, 9))
    parents = {
        f"c{index}": tuple(f"c{one}" for one in data.draw(st.lists(st.integers(0, index - 1), max_size=2)))
        if index
        else ()
        for index in range(number)
    }
    above: dict[str, set[str]] = {}
    for sha, of_commit in parents.items():
        above[sha] = {*of_commit}.union(*(above[parent] for parent in of_commit))
    on = data.draw(st.lists(st.integers(0, number - 1), max_size=7))
    names = data.draw(st.permutations([f"t{place}" for place in range(len(on))]))
    left = [tag(name, f"c{index}") for name, index in zip(names, on, strict=True)]
    found = in_order(left, parents)
    expected = []
    while left:
        free = [one for one in left if not any(other.commit in above[one.commit] for other in left)]
        expected.append(min(free, key=lambda one: one.name))
        left.remove(expected[-1])
    assert list(found) == expected
