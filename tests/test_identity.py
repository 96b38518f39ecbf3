"""Identity is a contract: the same names give the same ids, however a repository's URL is spelt."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otel_vsm.identity import (
    Repository,
    change_of_commit,
    change_of_request,
    change_root,
    event_span_id,
    incident_root,
    local_repository,
    normalise_change_id,
    normalise_repository,
    owner_and_name,
    repository_url,
    request_at,
    work_item_root,
)

VECTORS = [
    ("github.com/acme/shop#123", "38e08dea033907f69fbb70c15f216a7d", "2ab248cfa8288917"),
    (
        "github.com/acme/shop@9f2c1d7e5b8a4c3d2e1f0a9b8c7d6e5f4a3b2c1d",
        "6a04cb3d776edf55609813ef8ae9531f",
        "99ce5df30d300ac0",
    ),
]


@pytest.mark.parametrize(("change", "trace_id", "span_id"), VECTORS)
def test_changes_have_the_roots_of_the_contract(change: str, trace_id: str, span_id: str) -> None:
    assert change_root(change) == (trace_id, span_id)


def test_incidents_have_the_roots_of_the_contract() -> None:
    assert incident_root("INC-42") == ("a1cfdff5575e0b8b5861788883c9b9f7", "f4d0b4f13120ad6b")


def test_kinds_of_work_do_not_meet() -> None:
    assert len({change_root("x"), incident_root("x"), work_item_root("x")}) == 3


SPELLINGS = [
    ("git@github.com:acme/shop.git", "github.com/acme/shop"),
    ("https://x:y@GitHub.com/acme/shop/", "github.com/acme/shop"),
    ("https://github.com/acme/shop", "github.com/acme/shop"),
    ("https://github.com:443/acme/shop.git/", "github.com/acme/shop"),
    ("http://github.com:80/acme/shop", "github.com/acme/shop"),
    ("ssh://git@github.com:22/acme/shop.git", "github.com/acme/shop"),
    ("git://github.com:9418/acme/shop.git", "github.com/acme/shop"),
    ("git+ssh://git@github.com/acme/shop", "github.com/acme/shop"),
    ("ssh://git@git.example.com:2222/acme/shop.git", "git.example.com:2222/acme/shop"),
    ("https://git.example.com:8443/acme/shop", "git.example.com:8443/acme/shop"),
    ("https://gitlab.com/Group/Sub/Shop.git", "gitlab.com/group/sub/shop"),
    ("https://git.example.com/Group/Shop.git", "git.example.com/Group/Shop"),
    ("https://Github.com/Acme/Shop.git", "github.com/acme/shop"),
    ("git@bitbucket.org:Acme/Shop.git", "bitbucket.org/acme/shop"),
    ("ssh://git@ssh.github.com:443/acme/shop.git", "github.com/acme/shop"),
    ("ssh://git@altssh.gitlab.com:443/acme/shop.git", "gitlab.com/acme/shop"),
    ("ssh://git@altssh.bitbucket.org:443/acme/shop.git", "bitbucket.org/acme/shop"),
    ("ssh://git@git.example.com:443/acme/shop", "git.example.com/acme/shop"),
    ("https://gitlab-ci-token:glcbt-64_x@gitlab.com/acme/shop.git", "gitlab.com/acme/shop"),
    ("https://a@b:secret@github.com/acme/shop", "github.com/acme/shop"),
    ("ada@github.com/acme/shop", "github.com/acme/shop"),
    ("https://dev.azure.com/Acme/Web/_git/Shop", "dev.azure.com/acme/web/_git/shop"),
    ("https://acme@dev.azure.com/acme/web/_git/shop", "dev.azure.com/acme/web/_git/shop"),
    ("https://dev.azure.com/acme/_git/shop", "dev.azure.com/acme/shop/_git/shop"),
    ("git@ssh.dev.azure.com:v3/acme/web/shop", "dev.azure.com/acme/web/_git/shop"),
    ("ssh://git@ssh.dev.azure.com:22/v3/acme/web/shop", "dev.azure.com/acme/web/_git/shop"),
    ("acme@vs-ssh.visualstudio.com:v3/acme/web/shop", "dev.azure.com/acme/web/_git/shop"),
    ("https://acme.visualstudio.com/web/_git/shop", "dev.azure.com/acme/web/_git/shop"),
    ("https://acme.visualstudio.com/DefaultCollection/web/_git/shop", "dev.azure.com/acme/web/_git/shop"),
    ("C:\\sources\\shop", "local/shop"),
    ("/srv/shop/.git", "local/shop"),
    ("local/a folder@2", "local/a folder@2"),
    ("git@gitlab.com:group/sub/shop", "gitlab.com/group/sub/shop"),
    ("github.com:acme/shop.git", "github.com/acme/shop"),
    ("  https://github.com/acme/shop\n", "github.com/acme/shop"),
    ("github.com/acme/shop", "github.com/acme/shop"),
    ("git.example.com:2222/acme/shop", "git.example.com:2222/acme/shop"),
    ("ssh://git@[2001:db8::1]:2222/shop.git", "[2001:db8::1]:2222/shop"),
    ("/srv/git/shop.git", "local/shop"),
    ("../shop/", "local/shop"),
    ("file:///srv/git/shop.git", "local/shop"),
    ("local/shop", "local/shop"),
]


@pytest.mark.parametrize(("remote", "name"), SPELLINGS)
def test_a_repository_has_one_name(remote: str, name: str) -> None:
    assert normalise_repository(remote) == name


@pytest.mark.parametrize(
    "remote",
    [
        "https://user:pass/word@github.com/acme/shop",
        "https://user:12/34@github.com/acme/shop",
        "https://tok/en@github.com/acme/shop",
        "https://user:pa?ss@github.com/acme/shop",
        "https://user:pa#ss@github.com/acme/shop",
        "https://github.com/acme/shop?private_token=secret",
        "user:secret@github.com:acme/shop",
        "hg::https://user:secret@example.com/shop",
        "//user:secret@github.com/acme/shop",
        "ext::sh -c secret",
        "https://",
        "https:///secret/shop",
        "https://github.com/../shop",
        "ssh://git@ssh.dev.azure.com/acme/web/_ssh/shop",
        "x" * 5000,
        "",
    ],
)
def test_what_cannot_be_read_with_certainty_is_no_name(remote: str) -> None:
    assert normalise_repository(remote) is None


@given(
    secret=st.text(min_size=4).filter(lambda secret: secret not in "github.com/acme/shop local"),
    form=st.sampled_from(
        [
            "https://ada:{}@github.com/acme/shop",
            "https://{}@github.com/acme/shop.git",
            "http://{}:x-oauth-basic@github.com/acme/shop",
            "https://a@b:{}@github.com/acme/shop",
            "ssh://{}@github.com:22/acme/shop",
            "git://ada:{}@github.com:9418/acme/shop",
            "{}@github.com:acme/shop",
            "{}@github.com:shop",
            "ada:{}@github.com/acme/shop",
        ]
    ),
)
@example("se/cret", "https://ada:{}@github.com/acme/shop")
@example("1/se@cret", "https://ada:{}@github.com/acme/shop")
@example("se?c#ret", "https://{}@github.com/acme/shop.git")
@example("h:se/cret", "https://{}@github.com/acme/shop.git")
@example("ho.st/se", "{}@github.com:acme/shop")
@example("/secret", "{}@github.com:shop")
@example("C:/x/", "{}@github.com:acme/shop")
@example("file://x/", "{}@github.com:acme/shop")
@example("//x", "{}@github.com:acme/shop")
def test_no_secret_of_an_address_is_in_the_name(secret: str, form: str) -> None:
    name = normalise_repository(form.format(secret))
    assert name in (None, "github.com/acme/shop", "github.com/shop", "local/shop")


@given(st.text())
@example("a:b:c")
@example("x@y@z:/a")
@example("https://")
@example("//a//b")
def test_naming_again_changes_nothing(remote: str) -> None:
    once = normalise_repository(remote)
    assert once is None or normalise_repository(once) == once


hosts = st.from_regex(r"[a-z][a-z0-9-]{0,10}(\.[a-z][a-z0-9-]{0,10}){1,2}", fullmatch=True)
parts = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=12).filter(
    lambda part: not part.endswith(".git") and part.strip(".") == part
)
paths = st.lists(parts, min_size=1, max_size=4).map("/".join)


ends = st.sampled_from(["", "/", ".git", ".git/"])
users = st.sampled_from(["", "ada@", "ada:secret@"])


@given(hosts, paths, st.booleans(), ends, users)
def test_all_spellings_of_a_url_are_one_repository(
    host: str, path: str, upper: bool, end: str, user: str
) -> None:
    spelt = host.upper() if upper else host
    names = {
        normalise_repository(f"https://{user}{spelt}/{path}{end}"),
        normalise_repository(f"https://{user}{spelt}:443/{path}{end}"),
        normalise_repository(f"ssh://{user}{spelt}:22/{path}{end}"),
        normalise_repository(f"git@{spelt}:{path}{end}"),
        normalise_repository(f"{spelt}/{path}{end}"),
    }
    assert names == {f"{host}/{path}"}


@given(hosts, paths, st.integers(1, 65535).filter(lambda port: port not in (22, 443)))
def test_a_port_of_its_own_is_another_repository(host: str, path: str, port: int) -> None:
    assert normalise_repository(f"https://{host}:{port}/{path}") == f"{host}:{port}/{path}"


@given(hosts, paths)
def test_what_telemetry_calls_a_repository_leads_back_to_it(host: str, path: str) -> None:
    for repository in (normalise_repository(f"{host}/{path}"), local_repository(path)):
        assert repository and normalise_repository(repository_url(repository)) == repository


@pytest.mark.parametrize(
    ("folder", "name"),
    [("/srv/shop", "local/shop"), ("/srv/a.git/", "local/a"), ("/", "local/unnamed")],
)
def test_without_a_remote_the_folder_names_the_repository(folder: str, name: str) -> None:
    assert local_repository(folder) == name


def test_changes_are_named_after_requests_and_commits() -> None:
    shop = Repository("github.com/acme/shop")
    assert change_of_request(shop, 12) == change_of_request(shop, "12") == "github.com/acme/shop#12"
    assert change_of_commit(shop, "A" * 40) == f"github.com/acme/shop@{'a' * 40}"


@pytest.mark.parametrize(
    ("address", "request_"),
    [
        ("https://github.com/acme/shop/pull/19", ("github.com/acme/shop", "19")),
        ("https://github.com/Acme/shop/pull/19/files?w=1#diff-1", ("github.com/acme/shop", "19")),
        ("github.com/acme/shop/pull/19", ("github.com/acme/shop", "19")),
        ("https://gitlab.com/a/b/shop/-/merge_requests/7", ("gitlab.com/a/b/shop", "7")),
        ("https://git.acme.example/a/shop/-/merge_requests/7#note_3", ("git.acme.example/a/shop", "7")),
        ("https://dev.azure.com/acme/web/_git/shop/pullrequest/5", ("dev.azure.com/acme/web/_git/shop", "5")),
        ("https://acme.visualstudio.com/web/_git/a/pullrequest/5", ("dev.azure.com/acme/web/_git/a", "5")),
        ("https://bitbucket.org/acme/shop/pull-requests/3/diff", ("bitbucket.org/acme/shop", "3")),
        # Its repositories have another address than its pages.
        ("https://git.acme.example/projects/SHOP/repos/shop/pull-requests/3", None),
        ("https://github.com/acme/pull/19", None),
        ("https://github.com/acme/shop/pull/new", None),
        ("https://github.com/acme/shop/pull/19x", None),
        ("https://dev.azure.com/acme/web/pullrequest/5", None),
        ("https://ada:sec/ret@github.com/acme/shop/pull/19", None),
        ("https://ada:1/a/b/pull/1/@github.com/acme/shop", None),
        ("/srv/acme/shop/pull/19", None),
        ("https://github.com/acme/shop", None),
    ],
)  # fmt: skip
def test_the_page_of_a_request_says_which_one_it_is(address: str, request_: tuple[str, str] | None) -> None:
    assert request_at(address) == request_


@given(st.text(), st.text(), st.text())
def test_an_event_told_again_has_the_same_id(owner: str, event: str, subject: str) -> None:
    assert event_span_id(owner, event, subject) == event_span_id(owner, event, subject)
    assert int(event_span_id(owner, event, subject), 16) >= 0
    assert len(event_span_id(owner, event, subject)) == 16


def test_events_of_different_things_are_apart() -> None:
    ids = {
        event_span_id("a", "change.merged"),
        event_span_id("b", "change.merged"),
        event_span_id("a", "change.opened"),
        event_span_id("a", "approval.granted", "production"),
        event_span_id("a", "approval.granted", "security"),
        event_span_id("a", "change.merged", revision="1" * 40),
        event_span_id("a", "change.merged", revision="2" * 40),
    }
    assert len(ids) == 7


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("https://GitHub.com/Acme/shop.git#12", "github.com/acme/shop#12"),
        ("git@github.com:acme/shop.git#12", "github.com/acme/shop#12"),
        ("https://token:x@gitlab.com/acme/shop!12", "gitlab.com/acme/shop#12"),
        ("github.com/acme/shop@" + "AB" * 20, "github.com/acme/shop@" + "ab" * 20),
        ("ghe.acme.dev:8443/Acme/shop#3", "ghe.acme.dev:8443/Acme/shop#3"),
        ("local/shop#3", "local/shop#3"),
        ("git.acme.dev/shop@c1", "git.acme.dev/shop@c1"),
        (" SHOP-12 ", "SHOP-12"),
        ("a-name/of-its-own", "a-name/of-its-own"),
        ("release candidate: 4", "release candidate: 4"),
        ("Release@5", "Release@5"),
    ],
)
def test_a_change_has_one_name_whatever_the_address(given: str, name: str) -> None:
    assert normalise_change_id(given) == name
    assert normalise_change_id(name) == name


@pytest.mark.parametrize(
    "given",
    [
        "",
        "https://user:pa#ss@github.com/acme/shop#12",
        "https://user:pa@ss@host",
        "https://user:123@host",
        "user:secret@deadbeef",
        "https://user:secret@github.com/acme/shop",
        "user:secret@github.com/acme/shop@c1",
    ],
)
def test_what_may_hold_a_password_names_no_change(given: str) -> None:
    assert normalise_change_id(given) is None


@pytest.mark.parametrize(
    ("repository", "owner", "name"),
    [
        ("github.com/acme/shop", "acme", "shop"),
        ("gitlab.example.com/acme/web/shop", "acme/web", "shop"),
        ("dev.azure.com/acme/web/_git/shop", "acme/web", "shop"),
        ("git.example.com/shop", None, "shop"),
        ("local/shop", None, "shop"),
    ],
)
def test_a_repository_has_an_owner_and_a_name(repository: str, owner: str | None, name: str) -> None:
    assert owner_and_name(Repository(repository)) == (owner, name)
