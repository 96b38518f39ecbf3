"""What messages of commits say, as git and the forges write them."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_vsm.identity import Repository
from otel_vsm.message import (
    CommitMessage,
    Revert,
    change_names,
    picked_from,
    request_in_message,
    reverts_in_message,
)

SHOP = Repository("github.com/acme/shop")
A, B, C = "a" * 40, "b" * 40, "c" * 40

REQUESTS = [
    ("Add a cart (#12)", 12),
    ("Add a cart (#12)  \n\nbody (#13)", 12),
    ('Revert "Add a cart (#12)" (#14)', 14),
    ("Merge pull request #12 from ada/cart", 12),
    ("Merge pull request #12 from ada/cart\n\nAdd a cart (#9)", 12),
    ("Merge branch 'cart' into 'main'\n\nAdd\n\nSee merge request acme/shop!12", 12),
    ("Add\n\nSee merge request acme/sub/shop!12\n", 12),
    ("Add\n\nSee merge request !12", 12),
    ("Merged in ada/cart (pull request #12)\n\nAdd a cart\n\nApproved-by: Bo", 12),
    ("Merged PR 12: Add a cart\n\nRelated work items: #7", 12),
    # The message's own words rank above a bare number, and what the forge adds at the end above its titles.
    ("Merged PR 12: Add a cart (#7)", 12),
    ("Merge pull request #12 from ada/cart (#7)", 12),
    ("Add a cart (#7)\n\nSee merge request acme/shop!12", 12),
    ("Merge pull request #7 from ada/cart\n\nSee merge request acme/shop!12", 12),
    # A title goes on up to the first empty line; an end of a line may be CR LF.
    ("Add a cart, a till\nand a shelf (#12)", 12),
    ("Add a cart\r\n(#12)\r\n\r\nbody (#13)\r\n", 12),
    ("Add a cart (#12)\r\n\r\nbody", 12),
    ("Add a cart (#12)\r", 12),
    ("\n\nAdd a cart (#12)\n \t\nbody", 12),
    ("Add\r\n\r\nSee merge request acme/shop!12\r\n", 12),
    ("Add a cart (#12)\nand more", None),
    ("Add a cart\n\n(#12)", None),
    ("Note\n\nMerge pull request #12 from ada/cart", None),
    ("Add\n\nas in: See merge request acme/shop!12", None),
    ("Add\n\nSee merge request acme/shop!12 as well", None),
    ("Add a cart", None),
    ("Add (#12) a cart", None),
    ("Fix #12", None),
    ("body\n\ncloses (#12)", None),
    ("Merge pull request #12", None),
    ("Close\n\nMerged PR 12: Add a cart", None),
    ("Close\n\nMerged in ada/cart (pull request #12)", None),
    ("", None),
]


@pytest.mark.parametrize(("message", "number"), REQUESTS)
def test_a_message_names_its_request(message: str, number: int | None) -> None:
    assert request_in_message(message) == number


B_BACK = f'Revert "Share (#3)"\n\nThis reverts commit {B}.'
REVERTS: list[tuple[str, list[Revert]]] = [
    # git revert, of a commit, of a merge, with --reference, and of a squashed request.
    (f'Revert "Add a cart"\n\nThis reverts commit {A}.', [Revert(commit=A)]),
    (f'Revert "x"\n\nThis reverts commit {A}, reversing\nchanges made to {B}.', [Revert(commit=A)]),
    ('Revert "x"\n\nThis reverts commit 8415558 (x, 2026-01-01).', [Revert(commit="8415558")]),
    (f'Revert "Add (#12)"\n\nThis reverts commit {A}.', [Revert(request="12"), Revert(commit=A)]),
    (f'Revert "Add\na cart (#12)"\n\nThis reverts commit {A}.', [Revert(request="12"), Revert(commit=A)]),
    (f'Revert "Add a cart"\r\n\r\nThis reverts commit {A}.\r\n', [Revert(commit=A)]),
    # The forges: squashed, merged, and what a merge of a merge is called.
    ('Revert "Add a cart (#12)" (#13)', [Revert(request="12")]),
    ('Revert "Add a cart" (#13)\n\nReverts acme/shop#12', [Revert(request="12", project="acme/shop")]),
    ("Undo the cart\n\nReverts #12", [Revert(request="12")]),
    ('Merge pull request #13 from acme/revert-12-cart\n\nRevert "Add a cart"', [Revert(request="12")]),
    (
        f'Revert "Merge pull request #12 from ada/cart"\n\nThis reverts commit {A}',
        [Revert(request="12"), Revert(commit=A)],
    ),
    ("Revert \"Merge branch 'x' into 'main'\"\n\nThis reverts merge request !12", [Revert(request="12")]),
    ('Merged PR 13: Revert "Merged PR 12: Add a cart"', [Revert(request="12")]),
    ('Merged PR 13: Revert "Merged PR 12: Add a cart (#7)"', [Revert(request="12")]),
    ("Merged PR 13: Undo\n\nReverts !12", [Revert(request="12")]),
    ('Revert "Merged in ada/cart (pull request #12)"', [Revert(request="12")]),
    # All of several: a squash that lists them, and sentences that name more than one.
    (f"Undo\n\nThis reverts commit {B}.\nThis reverts commit {A}.", [Revert(commit=B), Revert(commit=A)]),
    (f"Undo\n\nThis reverts commits {B} and {A}.", [Revert(commit=B), Revert(commit=A)]),
    (
        f"Undo\n\nThis reverts commits {A}, {B},\nand {C}.",
        [Revert(commit=A), Revert(commit=B), Revert(commit=C)],
    ),
    (
        "Undo\n\nReverts #12, #13 and acme/till#14",
        [Revert(request="12"), Revert(request="13"), Revert(request="14", project="acme/till")],
    ),
    (
        f'Take it back (#4)\n\n* Revert "Add (#2)"\n\nThis reverts commit {A}.\n\n* {B_BACK}',
        [Revert(commit=A), Revert(commit=B)],
    ),
    (f"This reverts commit {A}.\nThis reverts commit {A}.", [Revert(commit=A)]),
    # What takes back a revert brings work again, and what takes that back takes back work.
    ('Revert "Revert "Add a cart (#12)" (#13)"', []),
    ('Revert "Revert "Add a cart (#12)" (#13)" (#14)\n\nReverts acme/shop#13', []),
    (f'Revert "Revert "Add a cart (#12)""\n\nThis reverts commit {B}.', []),
    (f'Reapply "Add a cart (#12)"\n\nThis reverts commit {B}.', []),
    ('Merged PR 14: Revert "Merged PR 13: Revert "Merged PR 12: Add a cart""', []),
    ('Merge pull request #14 from acme/revert-13-revert-12-cart\n\nRevert "Revert "Add a cart""', []),
    ('Revert "Revert "Revert "Add a cart (#12)" (#13)" (#14)"', [Revert(request="14")]),
    (f'Revert "Reapply "Add a cart (#12)""\n\nThis reverts commit {B}.', [Revert(commit=B)]),
    ("Merge pull request #15 from acme/revert-14-revert-13-revert-12-cart", [Revert(request="14")]),
    (
        f'Tidy (#15)\n\n* Revert "Revert "Add""\n\nThis reverts commit {A}.\n\n* {B_BACK}',
        [Revert(commit=B)],
    ),
    # What only sounds like one.
    ('Reapply "Add a cart (#12)"', []),
    ('Revert "Add a cart"', []),
    ("Revert the cart (#12)", []),
    ("Reverts", []),
    (f"This partly reverts commit {A}", []),
    (f"As this reverts commit {A}, mind the cart", []),
    ("This reverts commit 84155 of mine", []),
    ("Merge pull request #13 from acme/revert-cart", []),
    ('* Revert "Add a cart (#12)"\n* Reverts #12', []),
    ("", []),
]


@pytest.mark.parametrize(("message", "expected"), REVERTS)
def test_a_message_says_what_is_taken_back(message: str, expected: list[Revert]) -> None:
    assert reverts_in_message(message) == tuple(expected)


@pytest.mark.parametrize(
    ("reverted", "commit", "repository", "change"),
    [
        (Revert(request="12"), None, SHOP, "github.com/acme/shop#12"),
        (Revert(commit="ABCDEF0"), A, SHOP, f"github.com/acme/shop@{A}"),
        (Revert(commit="ABCDEF0"), None, SHOP, None),
        # In a clone of a fork, and where there is no host to look for a project on.
        (Revert(request="12", project="acme/shop"), None, "github.com/ada/shop", "github.com/acme/shop#12"),
        (Revert(request="12", project="acme/shop"), None, "local/shop", "local/shop#12"),
    ],
)
def test_what_is_taken_back_is_a_change(
    reverted: Revert, commit: str | None, repository: str, change: str | None
) -> None:
    assert reverted.change(Repository(repository), commit) == change


@pytest.mark.parametrize(
    ("message", "origin"),
    [
        (f"Add a cart\n\n(cherry picked from commit {A})", A),
        (f"Add a cart\n\n(cherry picked from commit {A})\r\n", A),
        (f"Add\r\n\r\n(cherry picked from commit {A})\r\n\r\nand then changed", None),
        (f"Add\n\nbody\n\nSigned-off-by: Ada\n(cherry picked from commit {A})\nSigned-off-by: Bo\n", A),
        (f"From branch to branch\n\n(cherry picked from commit {A})\n(cherry picked from commit {B})", A),
        (f"Add\n\n(cherry picked from commit {A})\n\nand then changed", None),
        (f"Add\n\nlike (cherry picked from commit {A})", None),
        ("Add\n\n(cherry picked from commit abcdef0)", None),
        ("Add", None),
    ],
)
def test_a_commit_that_was_picked_names_its_origin(message: str, origin: str | None) -> None:
    assert picked_from(message) == origin


def test_a_commit_stands_for_its_request_or_its_origin_or_itself() -> None:
    asked: list[Sequence[str]] = []

    def messages(shas: Sequence[str]) -> dict[str, str]:
        asked.append(shas)
        return {A: "Add a cart (#12)", B: "Without a number"}

    picked = "Picked\n\n(cherry picked from commit {})"
    commits = [
        CommitMessage(C, "Squashed (#11)"),
        CommitMessage(C, f"Squashed (#11)\n\n(cherry picked from commit {A})"),
        *(CommitMessage(C, picked.format(sha)) for sha in (A, B, "d" * 40, A)),
        CommitMessage(C, "Plain"),
    ]
    changes = [name.change(SHOP).removeprefix(SHOP) for name in change_names(commits, messages)]
    assert changes == ["#11", "#11", "#12", f"@{B}", f"@{'d' * 40}", "#12", f"@{C}"]
    assert asked == [[A, B, "d" * 40]]


@given(st.text())
def test_any_text_is_a_message(message: str) -> None:
    for read in (request_in_message, picked_from, reverts_in_message):
        read(message)
