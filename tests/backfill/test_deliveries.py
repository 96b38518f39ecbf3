"""What a history delivered: the rules of `backfill git`, on histories small enough to draw."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from otel_vsm.backfill.deliveries import Deliveries, deliveries
from otel_vsm.backfill.history import Commit, History
from otel_vsm.backfill.tags import Tag
from otel_vsm.identity import Repository
from otel_vsm.message import Revert

REPOSITORY = Repository("github.com/acme/shop")


def commit(
    sha: str,
    *parents: str,
    at: int,
    authored: int | None = None,
    request: int | None = None,
    picked_from: str | None = None,
    reverts: Sequence[Revert] = (),
) -> Commit:
    return Commit(
        sha=sha,
        parents=parents,
        authored_s=at if authored is None else authored,
        committed_s=at,
        request=request,
        picked_from=picked_from,
        reverts=tuple(reverts),
    )


def tag(name: str, commit: str, at: int) -> Tag:
    return Tag(name=name, commit=commit, revision=commit, at_s=at)


def delivered(
    commits: list[Commit], tags: list[Tag], head: str | None = None, touching: frozenset[str] | None = None
) -> Deliveries:
    history = History(
        commits={commit.sha: commit for commit in commits},
        tags=tuple(tags),
        head=head,
        shallow=False,
        touching=touching,
    )
    return deliveries(history, REPOSITORY)


def carried(result: Deliveries) -> dict[str, list[str]]:
    return {
        deployment.tag.name: [change.removeprefix(REPOSITORY) for change in deployment.carries]
        for deployment in result.deployments
    }


def times(result: Deliveries, change: str) -> tuple[int, int]:
    by_name = {other.id.removeprefix(REPOSITORY): other for other in result.changes.values()}
    return by_name[change].first_commit_s, by_name[change].merged_s


def test_the_first_deployment_carries_its_own_commit_only() -> None:
    result = delivered(
        [commit("a", at=1), commit("b", "a", at=2), commit("c", "b", at=3), commit("d", "c", at=4)],
        [tag("v1", "b", 10), tag("v2", "d", 20)],
    )
    assert carried(result) == {"v1": ["@b"], "v2": ["@c", "@d"]}
    assert set(result.changes) == {f"{REPOSITORY}@{sha}" for sha in "bcd"}


def test_a_merge_commit_stands_for_its_request_and_began_with_its_earliest_commit() -> None:
    result = delivered(
        [
            commit("a", at=1),
            commit("x", "a", at=30, authored=7),
            commit("y", "x", at=31, authored=5),
            commit("b", "a", at=32),
            commit("m", "b", "y", at=40, authored=2, request=12),
        ],
        [tag("v1", "a", 1), tag("v2", "m", 50)],
    )
    assert carried(result) == {"v1": ["@a"], "v2": ["@b", "#12"]}
    assert times(result, "#12") == (5, 40)


def test_a_merge_commit_that_brings_nothing_in_began_when_it_was_written() -> None:
    result = delivered(
        [commit("a", at=1), commit("b", "a", at=2), commit("m", "b", "a", at=9, authored=8)],
        [tag("v1", "a", 1), tag("v2", "m", 10)],
    )
    assert times(result, "@m") == (8, 9)


def test_what_an_earlier_tag_held_is_not_brought_in_again() -> None:
    """Branch x-y was released as v1.1 before it was merged: only z is new."""
    result = delivered(
        [
            commit("a", at=1),
            commit("x", "a", at=2),
            commit("y", "x", at=3),
            commit("z", "y", at=6),
            commit("m", "a", "z", at=7, request=3),
        ],
        [tag("v1", "a", 1), tag("v1.1", "y", 4), tag("v2", "m", 9)],
    )
    assert carried(result) == {"v1": ["@a"], "v1.1": ["@x", "@y"], "v2": ["#3"]}
    assert times(result, "#3") == (6, 7)


def test_a_first_deployment_of_a_merge_began_with_what_the_merge_brought_in() -> None:
    result = delivered(
        [
            commit("a", at=1),
            commit("x", "a", at=2),
            commit("b", "a", at=3),
            commit("m", "b", "x", at=4, request=1),
        ],
        [tag("v1", "m", 5)],
    )
    assert carried(result) == {"v1": ["#1"]}
    assert times(result, "#1") == (2, 4)


def test_an_old_version_tagged_late_is_a_deployment_that_carries_nothing() -> None:
    result = delivered(
        [commit("a", at=1), commit("b", "a", at=2), commit("c", "b", at=3)],
        [tag("v1", "b", 4), tag("v3", "c", 5), tag("v0", "a", 6), tag("v3-again", "c", 7)],
    )
    assert carried(result) == {"v1": ["@b"], "v3": ["@c"], "v0": [], "v3-again": []}
    # Commit a came to users with v1, so that is the change whose trace tells of v0.
    assert [deployment.head for deployment in result.deployments] == [
        f"{REPOSITORY}@{sha}" for sha in ("b", "c", "b", "c")
    ]


def test_a_tag_on_a_commit_within_a_request_belongs_to_the_request() -> None:
    result = delivered(
        [commit("a", at=1), commit("x", "a", at=2), commit("m", "a", "x", at=3, request=8)],
        [tag("v1", "a", 4), tag("v2", "m", 5), tag("x", "x", 6)],
    )
    assert result.deployments[2].head == f"{REPOSITORY}#8"
    assert carried(result)["x"] == []


def test_of_several_commits_that_name_one_request_the_earliest_counts() -> None:
    result = delivered(
        [
            commit("a", at=1),
            commit("b", "a", at=20, authored=15, request=4),
            commit("c", "b", at=18, authored=16, request=4),
            commit("d", "c", at=40, authored=9, request=4),
        ],
        [tag("v1", "a", 1), tag("v2", "c", 30), tag("v3", "d", 50)],
    )
    assert carried(result) == {"v1": ["@a"], "v2": ["#4"], "v3": ["#4"]}
    assert times(result, "#4") == (9, 18)
    assert result.changes[result.deployments[1].head].revision == "b"


def test_commits_after_the_last_tag_are_changes_that_wait() -> None:
    commits = [commit("a", at=1), commit("b", "a", at=2), commit("c", "b", at=3, request=2)]
    result = delivered(commits, [tag("v1", "a", 1)], head="c")
    assert carried(result) == {"v1": ["@a"]}
    assert set(result.changes) == {f"{REPOSITORY}@a", f"{REPOSITORY}@b", f"{REPOSITORY}#2"}


def test_without_a_tag_every_first_parent_commit_is_a_change() -> None:
    commits = [commit("a", at=1), commit("x", "a", at=2), commit("m", "a", "x", at=3)]
    result = delivered(commits, [], head="m")
    assert result.deployments == ()
    assert set(result.changes) == {f"{REPOSITORY}@a", f"{REPOSITORY}@m"}


def test_a_picked_commit_is_of_the_change_that_it_was_picked_from() -> None:
    result = delivered(
        [
            commit("a", at=1),
            commit("b", "a", at=2),
            commit("c", "a", at=3, authored=2, picked_from="b"),
        ],
        [tag("v1", "a", 1), tag("v1.1", "c", 4)],
        head="b",
    )
    assert carried(result) == {"v1": ["@a"], "v1.1": ["@b"]}
    assert set(result.changes) == {f"{REPOSITORY}@a", f"{REPOSITORY}@b"}


def reverts(result: Deliveries) -> dict[str, list[str]]:
    return {
        change.id.removeprefix(REPOSITORY): [other.removeprefix(REPOSITORY) for other in change.reverts]
        for change in result.changes.values()
        if change.reverts
    }


def test_what_a_change_takes_back_is_the_change_that_brought_the_commit_in() -> None:
    in_full = "b" * 40
    result = delivered(
        [
            commit("a", at=1),
            commit("abcdef01", "a", at=2),
            commit("m", "a", "abcdef01", at=3, request=8),
            commit("c", "m", at=4, reverts=[Revert(commit="abcdef0")]),
            commit("d", "c", at=5, reverts=[Revert(request="7")]),
            commit("e", "d", at=6, reverts=[Revert(commit="1234567")]),
            commit("f", "e", at=7, reverts=[Revert(commit=in_full)]),
            commit("g", "f", at=8, request=9, reverts=[Revert(request="9")]),
        ],
        [tag("v1", "a", 1), tag("v2", "g", 9)],
    )
    assert reverts(result) == {"@c": ["#8"], "@d": ["#7"], "@f": [f"@{in_full}"]}


def test_a_short_hash_of_several_commits_names_none() -> None:
    result = delivered(
        [
            commit("abcdef01", at=1),
            commit("abcdef02", "abcdef01", at=2),
            commit("c", "abcdef02", at=3, reverts=[Revert(commit="abcdef0")]),
        ],
        [],
        head="c",
    )
    assert reverts(result) == {}


def test_what_came_before_the_first_deployment_is_taken_back_by_its_own_name() -> None:
    """The first deployment's change holds it, and yet did not make it."""
    old = "a" * 40
    result = delivered(
        [commit(old, at=1), commit("b", old, at=2), commit("c", "b", at=3, reverts=[Revert(commit=old)])],
        [tag("v1", "b", 2), tag("v2", "c", 3)],
    )
    assert reverts(result) == {"@c": [f"@{old}"]}


def test_a_merge_takes_back_what_its_branch_does_but_not_what_the_branch_dropped_again() -> None:
    result = delivered(
        [
            commit("a", at=1),
            commit("b", "a", at=2, request=3),
            commit("abcdef01", "b", at=3),
            commit("x", "abcdef01", at=4, reverts=[Revert(commit="abcdef01")]),
            commit("y", "x", at=6, reverts=[Revert(request="2")]),
            commit("z", "y", at=5, reverts=[Revert(request="3")]),
            commit("m", "b", "z", at=7, request=4),
        ],
        [tag("v1", "a", 1)],
        head="m",
    )
    assert reverts(result) == {"#4": ["#3", "#2"]}


def test_what_takes_back_a_revert_takes_back_nothing_and_what_takes_that_back_does() -> None:
    a, b, c, d = ("abcdef0" + digit for digit in "1234")
    result = delivered(
        [
            commit("start", at=1),
            commit(a, "start", at=2),
            commit(b, a, at=3, request=3, reverts=[Revert(commit=a)]),
            commit(c, b, at=4, reverts=[Revert(commit=b)]),
            commit(d, c, at=5, reverts=[Revert(commit=c)]),
            commit("by-request", d, at=6, reverts=[Revert(request="3")]),
        ],
        [tag("v1", "start", 1)],
        head="by-request",
    )
    assert reverts(result) == {"#3": [f"@{a}"], f"@{d}": [f"@{c}"]}


def test_what_took_something_back_before_the_first_deployment_is_a_revert_too() -> None:
    old, revert = "a" * 40, "b" * 40
    result = delivered(
        [
            commit(old, at=1),
            commit(revert, old, at=2, reverts=[Revert(commit=old)]),
            commit("c", revert, at=3),
            commit("d", "c", at=4, reverts=[Revert(commit=revert)]),
        ],
        [tag("v1", "c", 3)],
        head="d",
    )
    assert reverts(result) == {}


def test_what_a_branch_took_back_and_brought_again_is_its_own_affair() -> None:
    result = delivered(
        [
            commit("a", at=1, request=3),
            commit("abcdef01", "a", at=2, reverts=[Revert(request="3")]),
            commit("x", "abcdef01", at=3, reverts=[Revert(commit="abcdef01")]),
            commit("m", "a", "x", at=4, request=4),
        ],
        [],
        head="m",
    )
    assert reverts(result) == {}


def test_all_that_several_commits_of_a_request_take_back_counts() -> None:
    result = delivered(
        [
            commit("a", at=1, request=4, reverts=[Revert(request="1"), Revert(request="2")]),
            commit("b", "a", at=2, request=4, reverts=[Revert(request="2"), Revert(request="3")]),
        ],
        [],
        head="b",
    )
    assert reverts(result) == {"#4": ["#1", "#2", "#3"]}


def test_a_merge_of_requests_that_names_none_is_no_change_and_its_other_parents_are_lines() -> None:
    """a - b ------- m, where m brings in develop: 2, 3 (of x) and c, which names none."""
    commits = [
        commit("a", at=1),
        commit("b", "a", at=2),
        commit("p", "a", at=3, authored=2, request=2),
        commit("x", "p", at=4, authored=3),
        commit("q", "p", "x", at=5, request=3),
        commit("c", "q", at=6),
        commit("m", "b", "c", at=7),
    ]
    result = delivered(commits, [tag("v1", "a", 1), tag("v2", "m", 8)], head="m")
    assert carried(result) == {"v1": ["@a"], "v2": ["@b", "#2", "#3", "@c"]}
    assert times(result, "#3") == (3, 5)
    # What stands for the deployment is the last that it brought.
    assert result.deployments[1].head == f"{REPOSITORY}@c"
    # The first deployment carries one change, though its own commit is none.
    result = delivered(commits, [tag("v2", "m", 8)], head="m")
    assert carried(result) == {"v2": ["@c"]}
    assert set(result.changes) == {f"{REPOSITORY}@c"}


def test_a_merge_of_commits_that_name_no_request_is_a_change() -> None:
    result = delivered(
        [commit("a", at=1, request=1), commit("x", "a", at=2), commit("m", "a", "x", at=3)],
        [tag("v1", "a", 1), tag("v2", "m", 4)],
    )
    assert carried(result)["v2"] == ["@m"]
    assert times(result, "@m") == (2, 3)


def test_a_merge_of_requests_that_an_earlier_tag_held_is_a_change() -> None:
    """A maintenance branch that was released, merged back."""
    result = delivered(
        [
            commit("a", at=1),
            commit("x", "a", at=2, request=2),
            commit("b", "a", at=3),
            commit("m", "b", "x", at=4),
        ],
        [tag("v1", "a", 1), tag("v1.1", "x", 2), tag("v2", "m", 4)],
    )
    assert carried(result) == {"v1": ["@a"], "v1.1": ["#2"], "v2": ["@b", "@m"]}


def test_merges_behind_merges_without_end_are_walked() -> None:
    """Each branch began at the first commit and pulled the one before it."""
    commits = [commit("a", at=1), commit("m0", "a", at=2, request=1)]
    for number in range(1, 3000):
        commits += [
            commit(f"w{number}", "a", at=number),
            commit(f"m{number}", f"w{number}", f"m{number - 1}", at=number),
        ]
    result = delivered(commits, [tag("v1", "a", 1), tag("v2", "m2999", 9000)])
    assert set(carried(result)["v2"]) == {"#1", *(f"@w{number}" for number in range(1, 3000))}


def test_of_a_path_only_what_touches_it_on_the_lines_of_a_merge_is_a_change() -> None:
    commits = [
        commit("a", at=1),
        commit("p", "a", at=2, request=2),
        commit("q", "p", at=3, request=3),
        commit("m", "a", "q", at=4),
        commit("r", "m", at=5, request=5),
        commit("n", "m", "r", at=6),
    ]
    tags = [tag("v1", "a", 1), tag("v2", "m", 4), tag("v3", "n", 6)]
    result = delivered(commits, tags, touching=frozenset({"a", "p", "m", "n"}))
    # What n brings in does not touch the path, and still the merge does: then that is what was changed.
    assert carried(result) == {"v1": ["@a"], "v2": ["#2"], "v3": ["@n"]}
    assert [deployment.head.removeprefix(REPOSITORY) for deployment in result.deployments] == [
        "@a",
        "#2",
        "@n",
    ]
    first = delivered(commits, tags[1:2], touching=frozenset({"a", "p", "m", "n"}))
    assert carried(first) == {"v2": ["#2"]}


def test_only_what_touches_the_paths_is_a_change() -> None:
    result = delivered(
        [
            commit("a", at=1),
            commit("b", "a", at=2),
            commit("x", "b", at=3),
            commit("m", "b", "x", at=4, request=5),
            commit("c", "m", at=5),
            commit("d", "c", at=6),
        ],
        [tag("v1", "a", 1), tag("v2", "m", 4), tag("v2-again", "m", 5)],
        head="d",
        touching=frozenset({"a", "m", "d"}),
    )
    assert carried(result) == {"v1": ["@a"], "v2": ["#5"], "v2-again": []}
    assert set(result.changes) == {f"{REPOSITORY}@a", f"{REPOSITORY}#5", f"{REPOSITORY}@d"}
    assert times(result, "#5") == (3, 4)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Commit], list[Tag], str]:
    number = draw(st.integers(1, 14))
    commits: list[Commit] = []
    for index in range(number):
        parents = draw(st.lists(st.integers(0, index - 1), unique=True, max_size=3)) if index else []
        commits.append(
            commit(
                f"c{index}",
                *(f"c{parent}" for parent in parents),
                at=draw(st.integers(1, 50)),
                authored=draw(st.integers(1, 50)),
                request=draw(st.none() | st.integers(1, 4)),
            )
        )
    tagged = draw(st.lists(st.integers(0, number - 1), max_size=6))
    tags = [tag(f"v{at}", f"c{index}", at) for at, index in enumerate(tagged)]
    return commits, tags, f"c{draw(st.integers(0, number - 1))}"


@given(histories())
def test_the_walk_gives_what_the_rules_say_word_for_word(drawn: tuple[list[Commit], list[Tag], str]) -> None:
    """Against the rules written with whole sets of reachable commits, which is simple and slow."""
    commits, tags, head = drawn
    by_sha = {commit.sha: commit for commit in commits}

    def reached(*tips: str, but: frozenset[str] = frozenset()) -> frozenset[str]:
        found: set[str] = set()
        pending = list(tips)
        while pending:
            if (sha := pending.pop()) not in found | but:
                found.add(sha)
                pending += by_sha[sha].parents
        return frozenset(found)

    def brought(commit: Commit, had: frozenset[str]) -> frozenset[str]:
        return reached(*commit.parents[1:]) - reached(*commit.parents[:1]) - had

    def is_nobodys(commit: Commit, had: frozenset[str]) -> bool:
        return not commit.request and any(by_sha[sha].request for sha in brought(commit, had))

    def line(tip: str, had: frozenset[str]) -> list[tuple[Commit, frozenset[str]]]:
        """The commits that are changes, with what each brought in; the oldest first."""
        commit, rest = by_sha[tip], []
        if tip in had:
            return []
        if commit.parents:
            rest = line(commit.parents[0], had)
        if not is_nobodys(commit, had):
            return [*rest, (commit, brought(commit, had))]
        behind = had | reached(commit.parents[0])
        return rest + [entry for parent in commit.parents[1:] for entry in line(parent, behind)]

    def first(tip: str) -> tuple[Commit, frozenset[str]]:
        """The commit whose change the first deployment carries, and what was there before."""
        commit = by_sha[tip]
        had = reached(*commit.parents[:1])
        while is_nobodys(commit, had):
            latest = [parent for parent in commit.parents[1:] if parent not in had][-1]
            had |= reached(*commit.parents[1:], but=had | {latest})
            commit = by_sha[latest]
            had |= reached(*commit.parents[:1])
        return commit, had

    def name(commit: Commit) -> str:
        return f"#{commit.request}" if commit.request else f"@{commit.sha}"

    expected: dict[str, list[str]] = {}
    first_commits: dict[str, int] = {}
    merged: dict[str, int] = {}
    earlier: frozenset[str] = frozenset()
    for tag, tip in [*((tag.name, tag.revision) for tag in tags), ("", head)]:
        entries = line(tip, earlier)
        if not earlier and tag:
            commit, had = first(tip)
            entries = [(commit, brought(commit, had))]
        for commit, others in entries:
            first_commit = min((by_sha[sha].authored_s for sha in others), default=commit.authored_s)
            first_commits[name(commit)] = min(first_commit, first_commits.get(name(commit), first_commit))
            merged[name(commit)] = min(commit.committed_s, merged.get(name(commit), commit.committed_s))
        expected[tag] = sorted({name(commit) for commit, _ in entries})
        earlier |= reached(tip)
    del expected[""]

    result = delivered(commits, tags, head)
    assert {tag: sorted(changes) for tag, changes in carried(result).items()} == expected
    assert {
        change.id.removeprefix(REPOSITORY): change.first_commit_s for change in result.changes.values()
    } == first_commits
    assert {
        change.id.removeprefix(REPOSITORY): change.merged_s for change in result.changes.values()
    } == merged
    assert all(deployment.head in result.changes for deployment in result.deployments)
