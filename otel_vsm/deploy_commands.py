"""What the commands of well-known tools say of the deployment that they make, or of the image that they push.

Nothing is guessed: a command with an option that is not known here, with several services, or that another
program starts, says nothing, and neither does one that only tries. Pure; looks at the arguments alone.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

_IMAGE = r"(?P<name>[^\s@]*?[^\s@:/]+)(?::(?P<tag>[\w][\w.-]*))?(?:@(?P<digest>sha256:[0-9a-fA-F]{64}))?"
_MOVING = ("latest", "stable", "edge", "main", "master")
"""Tags that say of no image which one it is."""
_WORKLOADS = (
    "deployment",
    "deployments",
    "deploy",
    "statefulset",
    "statefulsets",
    "sts",
    "daemonset",
    "daemonsets",
    "ds",
)


class Deployed(NamedTuple):
    """None: the command does not tell."""

    service: str | None = None
    version: str | None = None
    image: str | None = None
    """The reference of an image, with its digest."""
    rollback: bool = False

    def described(self) -> str:
        """In words for the user."""
        parts = [f"{what} {value}" for what, value in self._asdict().items() if value and value is not True]
        return ", ".join([*parts, *(["a rollback"] if self.rollback else [])])


def deployed(command: Sequence[str]) -> Deployed:
    """What the command says of a deployment; nothing of one that is not known here."""
    program, *arguments = command or ("",)
    read = _PROGRAMS.get(program.rpartition("/")[2])
    return read(arguments) if read else Deployed()


def pushed(command: Sequence[str]) -> Deployed:
    """The version and image that a command pushes to a registry, where it is one that does."""
    program, *arguments = command or ("",)
    words = _positional(arguments, _PUSH, {"q", "quiet", "tls-verify", "rm", "disable-content-trust"})
    if program.rpartition("/")[2] in ("docker", "podman", "nerdctl") and words and words[0] == "push":
        return _of_image(words[1]) if len(words) == 2 else Deployed()
    return Deployed()


def _positional(arguments: Sequence[str], valued: set[str], flags: set[str]) -> list[str] | None:
    """The arguments that are no options; None where one is not known, which might have a value."""
    words = []
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-") or argument == "-":
            words.append(argument)
            continue
        name, equals, _ = argument.lstrip("-").partition("=")
        if name not in valued | flags and (not equals or name == "dry-run"):
            return None
        if equals or name in flags:
            continue
        next(rest, None)
    return words


def _values(arguments: Sequence[str], *names: str) -> Iterator[str]:
    """What an option that may be repeated is given."""
    for position, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in names and equals:
            yield value
        elif argument in names and position + 1 < len(arguments):
            yield arguments[position + 1]


def _of_image(reference: str, service: str | None = None) -> Deployed:
    match = re.fullmatch(_IMAGE, reference)
    if not match:
        return Deployed(service)
    version = match["tag"] if match["tag"] not in _MOVING else None
    return Deployed(service, version, reference if match["digest"] else None)


def _kubectl(arguments: Sequence[str]) -> Deployed:
    words = _positional(
        arguments, _KUBECTL, {"w", "watch", "record", "local", "all", "insecure-skip-tls-verify"}
    )
    match words:
        case ["rollout", "status" | "restart" | "undo" as verb, *resource]:
            return Deployed(_workload(resource), rollback=verb == "undo")
        case ["set", "image", resource, image] if "/" in resource:
            return _of_image(image.partition("=")[2], _workload([resource]))
        case ["set", "image", kind, name, image]:
            return _of_image(image.partition("=")[2], _workload([kind, name]))
    return Deployed()


def _workload(resource: Sequence[str]) -> str | None:
    """`deployment/shop` or `deployment shop`; None of several, and of what is no workload."""
    parts = resource[0].split("/") if len(resource) == 1 else resource
    kind, name = parts if len(parts) == 2 else ("", "")
    return name if kind.partition(".")[0] in _WORKLOADS and name and "/" not in name else None


def _helm(arguments: Sequence[str]) -> Deployed:
    match _positional(arguments, _HELM, _HELM_FLAGS):
        case ["upgrade" | "install", release, _]:
            return _of_chart(release, arguments)
        case ["rollback", release] | ["rollback", release, _]:
            return Deployed(release, rollback=True)
    return Deployed()


def _of_chart(release: str, arguments: Sequence[str]) -> Deployed:
    """The release, and the image's tag and digest as most charts call them; a chart's version is its own."""
    pairs = (
        pair.partition("=")
        for text in _values(arguments, "--set", "--set-string")
        for pair in text.split(",")
    )
    values = {key: value for key, _, value in pairs}
    tag, digest, name = (values.get(f"image.{part}") for part in ("tag", "digest", "repository"))
    version = tag if tag and re.fullmatch(r"[\w.-]+", tag) and tag not in _MOVING else None
    image = f"{name}@{digest}" if name and digest else digest
    return Deployed(release, version, image)


def _argocd(arguments: Sequence[str]) -> Deployed:
    match _positional(arguments, _ARGOCD, _ARGOCD_FLAGS):
        case ["app", "sync", application]:
            return Deployed(application.rpartition("/")[2])
        case ["app", "rollback", application] | ["app", "rollback", application, _]:
            return Deployed(application.rpartition("/")[2], rollback=True)
    return Deployed()


def _aws(arguments: Sequence[str]) -> Deployed:
    if ("ecs", "update-service") not in pairwise(arguments):
        return Deployed()
    names = list(_values(arguments, "--service"))
    return Deployed(names[0].rpartition("/")[2]) if len(names) == 1 else Deployed()


def _gcloud(arguments: Sequence[str]) -> Deployed:
    """Its many options come behind the service."""
    words = [word for word in arguments if word not in ("alpha", "beta")]
    match words:
        case ["run", "deploy", service, *_] | ["run", "services", "update", service, *_] if (
            service[:1] != "-"
        ):
            images = list(_values(arguments, "--image"))
            return _of_image(images[0], service) if len(images) == 1 else Deployed(service)
    return Deployed()


_PROGRAMS: dict[str, Callable[[Sequence[str]], Deployed]] = {
    "kubectl": _kubectl,
    "oc": _kubectl,
    "helm": _helm,
    "argocd": _argocd,
    "aws": _aws,
    "gcloud": _gcloud,
}

_PUSH = {"platform", "authfile", "creds", "cert-dir", "format"}
_KUBECTL = {
    *("n", "namespace", "context", "kubeconfig", "cluster", "user", "s", "server", "token", "as", "as-group"),
    *("timeout", "request-timeout", "revision", "to-revision", "field-manager", "o", "output", "v"),
    *("certificate-authority", "client-certificate", "client-key", "tls-server-name"),
}
_HELM = {
    *("f", "values", "set", "set-string", "set-file", "set-json", "set-literal", "n", "namespace", "version"),
    *("timeout", "kube-context", "kubeconfig", "history-max", "description", "repo", "username", "password"),
    *("ca-file", "cert-file", "key-file", "keyring", "post-renderer", "post-renderer-args", "o", "output"),
    *("l", "labels", "kube-apiserver", "kube-token", "kube-as-user", "kube-as-group", "kube-ca-file"),
    *(
        "kube-tls-server-name",
        "burst-limit",
        "qps",
        "registry-config",
        "repository-cache",
        "repository-config",
    ),
}
_HELM_FLAGS = {
    *(
        "i",
        "install",
        "wait",
        "wait-for-jobs",
        "atomic",
        "force",
        "create-namespace",
        "cleanup-on-fail",
        "debug",
    ),
    *("devel", "no-hooks", "reset-values", "reuse-values", "reset-then-reuse-values", "skip-crds", "verify"),
    *("dependency-update", "disable-openapi-validation", "enable-dns", "hide-notes", "hide-secret"),
    *("insecure-skip-tls-verify", "pass-credentials", "plain-http", "render-subchart-notes"),
    *("skip-schema-validation", "take-ownership", "recreate-pods", "rollback-on-failure"),
}
_ARGOCD = {
    *("revision", "timeout", "server", "auth-token", "config", "port-forward-namespace", "H", "header", "N"),
    *(
        "app-namespace",
        "o",
        "output",
        "retry-limit",
        "retry-backoff-duration",
        "strategy",
        "info",
        "argocd-context",
    ),
}
_ARGOCD_FLAGS = {
    *("prune", "async", "force", "replace", "grpc-web", "core", "plaintext", "insecure", "server-side"),
    *("apply-out-of-sync-only", "port-forward", "assumeYes"),
}
