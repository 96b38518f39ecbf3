"""Who is who: repositories, changes, incidents and the trace and span ids that follow from them.

Everything here is a pure function of its arguments, so that two processes that never met give one change
one trace. The rules are the project's contract: other emitters may compute the same ids.
"""

import re
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


_URL = re.compile(
    r"^(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:[^/@]*@)?(?P<host>\[[^\]]*\]|[^/:]*)(?::(?P<port>\d*))?(?P<path>/.*)?$"
)
# git's short form: user@host:path, where no slash comes before the colon. Digits there, without a user
# before them, are the port of a name that is normalised already.
_SCP = re.compile(r"^(?:[^@/:]+@(?P<host>\[[^\]]*\]|[^/:]+)|(?P<bare>[^/:@\[]+)(?!:\d+/)):(?P<path>.*)$")
_DEFAULT_PORTS = {"http": "80", "https": "443", "ssh": "22", "git": "9418"}


def normalise_repository(remote: str) -> Repository:
    """A remote's URL without scheme, user, default port, trailing `.git` and `/`; the host in lower case.

    Already normalised names come back as they are. A path of this machine, or a `file:` URL, is no
    name that others could share: it gives `local/<folder name>`.
    """
    remote = remote.strip()
    if url := _URL.match(remote):
        host, path, port = url["host"], url["path"] or "", url["port"]
        if not host:
            return local_repository(path)
        if port and port != _DEFAULT_PORTS.get(url["scheme"].lower()):
            host = f"{host}:{port}"
    elif remote.startswith(("/", "./", "../")):
        return local_repository(remote)
    elif short := _SCP.match(remote):
        host, path = short["host"] or short["bare"], short["path"]
    else:
        host, _, path = remote.partition("/")
    path = _bare(path)
    return Repository(f"{host.lower()}/{path}" if path else host.lower())


def local_repository(folder: str) -> Repository:
    """The name of a repository without a remote: `local/<folder name>`."""
    return Repository(f"local/{_bare(folder).rpartition('/')[2] or 'unnamed'}")


def repository_url(repository: Repository) -> str:
    """What telemetry calls the repository: a URL, or the bare name where no host gives it one."""
    return repository if repository.startswith("local/") else f"https://{repository}"


def _bare(path: str) -> str:
    return path.strip("/").removesuffix(".git").rstrip("/")


def change_of_request(repository: Repository, number: int | str) -> ChangeId:
    """The change that a pull or merge request stands for."""
    return ChangeId(f"{repository}#{number}")


def change_of_commit(repository: Repository, sha: str) -> ChangeId:
    """The change that a commit outside any request stands for; `sha` is the full hash."""
    return ChangeId(f"{repository}@{sha.lower()}")


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
    return SpanId(_digest("\0".join(("vsm.event", owner, event, *about)))[:16])


def _root(kind: str, name: str) -> SpanReference:
    digest = _digest(f"{kind}:{name}")
    return SpanReference(TraceId(digest[:32]), SpanId(digest[32:48]))


def _digest(text: str) -> str:
    # Takes 3 ms to import, which a wrapped command need not wait for where git is waited for anyway.
    from hashlib import sha256

    return sha256(text.encode()).hexdigest()
