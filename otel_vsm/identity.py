"""Who is who: repositories, changes, incidents and the trace and span ids that follow from them.

Everything here is a pure function of its arguments, so that two processes that never met give one change
one trace. The rules are the project's contract: other emitters may compute the same ids.
"""

import re
import sys
from importlib import import_module
from typing import NamedTuple, NewType

Repository = NewType("Repository", str)
"""Host, path: `github.com/acme/shop`."""
ChangeId = NewType("ChangeId", str)
"""`<repository>#<request number>` or `<repository>@<full commit sha>`."""
TraceId = NewType("TraceId", str)
"""32 lower-case hexadecimal digits."""
SpanId = NewType("SpanId", str)
"""16 lower-case hexadecimal digits."""


class SpanReference(NamedTuple):
    """A span by its ids: the root of a change, incident or work item, one to link to, one of a caller."""

    trace_id: TraceId
    span_id: SpanId


# Compiled where they are used: the user's command waits for this import.
_HOST = r"(?P<host>[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])"
_PORT = r"(?::(?P<port>\d{0,5}))?"
# An `@`, `?`, `#` or `:` can be what is left of a password that was not escaped; none of them is in the path
# of a repository. Everything before the last `@` of the authority is user and password.
_PATH = r"(?P<path>[^@?#:\\\s\x00-\x1f\x7f]*)"
_URL = rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#\s]*@)?{_HOST}{_PORT}(?:/{_PATH})?"
_NAME = rf"(?:[^/:\s]*@)?{_HOST}{_PORT}(?:/{_PATH})?"
# git's short form: user@host:path, where no slash comes before the colon. Digits there, without a user
# before them, are the port of a name that is normalised already.
_SCP = rf"(?:[^/:\s]*@{_HOST}|(?P<bare>[A-Za-z0-9_.-]+)(?!:\d+(?:/|$))):{_PATH}"
_FOLDER = r"/(?!/)|\.{1,2}(?:/|$)|[A-Za-z]:[/\\]|(?i:file)://"
_LOCAL = "local/"
_MAX_LENGTH = 4096
"""Of a path of this machine; what is longer is no address."""
_CHANGE = r"(?P<repository>.+)(?P<mark>[#!@])(?P<name>[A-Za-z0-9._-]+)"
_PAGE = r"pull|-/merge_requests|pullrequest|pull-requests"
_REQUEST_PAGE = rf"(?P<repository>.+?)/(?P<page>{_PAGE})/(?P<number>\d+)(?:[/?#][^@]*)?"
_CERTAIN = r"[#!]\d+|@(?:[0-9a-f]{40}|[0-9a-f]{64})"
_DEFAULT_PORTS = frozenset({("http", "80"), ("git", "9418")})
_PORTS = frozenset({None, "", "22", "443"})
"""By which a forge is the same forge: some take ssh on 443, where a firewall lets nothing else through."""
_SAME_HOSTS = {
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
}
_AZURE = "dev.azure.com"
_CASELESS = frozenset({"github.com", "gitlab.com", "bitbucket.org", _AZURE})
"""Forges to which `Acme/Shop` and `acme/shop` are one repository."""


def normalise_repository(remote: str) -> Repository | None:
    """The one name of a repository, whichever of its addresses is given: `github.com/acme/shop`.

    Scheme, user, password, port 443 or 22, a trailing `.git` and `/` go, and the host is in lower case. Of
    forges that are known, all addresses give the same name. Already normalised names come back as they are.
    A path of this machine, or a `file:` URL, is no name that others could share: it gives
    `local/<folder name>`.

    None where the address cannot be read with certainty: a part of it may be a password, so it is neither to
    be sent nor shown.
    """
    remote = remote.strip()
    if len(remote) > _MAX_LENGTH:
        return None
    if remote.startswith(_LOCAL) and "/" not in remote.removeprefix(_LOCAL):
        return local_repository(remote)
    if re.match(_FOLDER, remote):
        if ":" in remote.partition("@")[2]:
            return None  # may as well be user@host:path, with a slash in what stands for the user
        return local_repository(remote.replace("\\", "/") if remote[1:2] == ":" else remote)
    forms = (_URL,) if "://" in remote else (_SCP, _NAME)
    parts = next(filter(None, (re.fullmatch(form, remote) for form in forms)), None)
    if not parts:
        return None
    named = parts.groupdict()
    host = (named["host"] or named.get("bare") or "").lower().rstrip(".")
    host = _SAME_HOSTS.get(host, host)
    port = named.get("port")
    if port not in _PORTS and ((named.get("scheme") or "").lower(), port) not in _DEFAULT_PORTS:
        host = f"{host}:{port}"
    path = _bare(named["path"] or "")
    if not host or any(part in (".", "..") for part in path.split("/")):
        return None
    if host == _AZURE or host.endswith((f".{_AZURE}", ".visualstudio.com")):
        return _azure_repository(host, path)
    if host in _CASELESS:
        path = path.lower()
    return Repository(f"{host}/{path}" if path else host)


def local_repository(folder: str) -> Repository:
    """The name of a repository without a remote: `local/<folder name>`."""
    return Repository(f"{_LOCAL}{_bare(_bare(folder).rpartition('/')[2]) or 'unnamed'}")


def _azure_repository(host: str, path: str) -> Repository | None:
    """`dev.azure.com/<organisation>/<project>/_git/<repository>`, of all addresses that Azure DevOps has."""
    parts = path.lower().split("/")
    if host in (f"ssh.{_AZURE}", "vs-ssh.visualstudio.com"):
        if len(parts) != 4 or parts[0] != "v3":
            return None
        parts = [*parts[1:3], "_git", parts[3]]
    elif host != _AZURE:
        # The organisation's own host, under which its projects used to be in one collection.
        parts = [host.removesuffix(".visualstudio.com"), *parts]
        if parts[1] == "defaultcollection":
            del parts[1]
    if len(parts) == 3 and parts[1] == "_git":
        parts.insert(1, parts[2])  # the address leaves a project out that is called as its repository
    return Repository("/".join((_AZURE, *filter(None, parts))))


def repository_url(repository: Repository) -> str:
    """What telemetry calls the repository: a URL, or the bare name where no host gives it one."""
    return repository if repository.startswith("local/") else f"https://{repository}"


def owner_and_name(repository: Repository) -> tuple[str | None, str]:
    """Whose the repository is, a user, group or project of the host, and its name there."""
    path, _, name = repository.rpartition("/")
    owner = path.partition("/")[2].removesuffix("/_git")
    return owner or None, name


def _bare(path: str) -> str:
    while (shorter := path.strip("/ \t\r\n").removesuffix(".git")) != path:
        path = shorter
    return path


def change_of_request(repository: Repository, number: int | str) -> ChangeId:
    """The change that a pull or merge request stands for."""
    return ChangeId(f"{repository}#{number}")


def change_of_commit(repository: Repository, sha: str) -> ChangeId:
    """The change that a commit outside any request stands for; `sha` is the full hash."""
    return ChangeId(f"{repository}@{sha.lower()}")


def normalise_change_id(text: str) -> ChangeId | None:
    """The one name of a change, whichever address of its repository it was given with.

    `https://GitHub.com/acme/shop.git#12` is `github.com/acme/shop#12`. A free text stays as it is. None where
    a part of it may be a password, so that it is neither to be stored nor shown.
    """
    text = text.strip()
    parts = re.fullmatch(_CHANGE, text)
    if not re.search("[:/]" if parts else "[#@]", text):
        return ChangeId(text) if text else None
    if not parts:
        return None
    address, mark, name = parts.groups()
    repository = normalise_repository(address)
    if not repository or "/" not in repository:
        return None
    if ":" in address and not re.fullmatch(_CERTAIN, mark + name.lower()):
        return None
    return ChangeId(f"{repository}@{name.lower()}" if mark == "@" else f"{repository}#{name}")


def request_at(address: str) -> tuple[Repository, str] | None:
    """The repository and the number of the request whose page has this address.

    None where it is no such address, or the repository cannot be read with certainty: the pages of some
    forges have another address than their repositories.
    """
    if not (parts := re.fullmatch(_REQUEST_PAGE, address.strip())):
        return None
    repository = normalise_repository(parts["repository"])
    if not repository or repository.startswith(_LOCAL):
        return None
    _, *path = repository.split("/")
    is_azure = path[-2:-1] == ["_git"]
    is_certain = {
        "pull": len(path) == 2,
        "-/merge_requests": len(path) >= 2,
        "pullrequest": is_azure,
        "pull-requests": len(path) == 2,
    }
    return (repository, parts["number"]) if is_certain[parts["page"]] else None


def change_root(change: ChangeId | str) -> SpanReference:
    """The trace and root span of a change."""
    return _root("vsm.change", change)


def incident_root(incident: str) -> SpanReference:
    """The trace and root span of an incident."""
    return _root("vsm.incident", incident)


def work_item_root(work_item: str) -> SpanReference:
    """The trace and root span of a work item that no change is known for yet."""
    return _root("vsm.work_item", work_item)


def event_span_id(owner: str, event: str, subject: str = "", revision: str | None = None) -> SpanId:
    """The span id of a point event, the same whenever it is told again.

    `owner` is the id of the change, incident or work item, `subject` what the event is about where
    the owner can have several: the gate of an approval, the run of a stage, the id of a deployment, the
    time of a review in whole seconds since the epoch. An event that is told of several revisions is as many
    events: the request that was rebased is merged as each of its commits.
    """
    about = (subject, revision) if revision else (subject,)
    return SpanId(digest("\0".join(("vsm.event", owner, event, *about)))[:16])


def _root(kind: str, name: str) -> SpanReference:
    ids = digest(f"{kind}:{name}")
    return SpanReference(TraceId(ids[:32]), SpanId(ids[32:48]))


def digest(text: str) -> str:
    """64 hexadecimal digits that follow from the text alone."""
    try:
        # What hashlib takes where there is no OpenSSL. It takes 3 ms to import, and a wrapped command waits.
        sha256 = import_module("_sha2" if sys.version_info >= (3, 12) else "_sha256").sha256
    except ImportError:
        from hashlib import sha256
    digits: str = sha256(text.encode()).hexdigest()
    return digits
