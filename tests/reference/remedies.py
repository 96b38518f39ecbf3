"""Rollbacks and hotfixes: which deployment each of them mends."""

from collections.abc import Callable
from dataclasses import dataclass

from reference.changes import Change
from reference.deployments import Carried, Deployment
from reference.identity import node


@dataclass(eq=False)
class Remedy:
    """A successful deployment that mended an earlier one."""

    deployment: Deployment
    method: str
    mended: Deployment | None


def remedies(
    deployments: dict[str, Deployment], carried: Carried, changes: dict[str, Change]
) -> dict[str, Remedy]:
    found = {}
    taken_back = _taken_back(changes)
    for deployment in deployments.values():
        if not deployment.done:
            continue
        here = [other for other in deployments.values() if other.place == deployment.place]
        if rollback := _rollback(deployment, here):
            found[deployment.id] = rollback
        elif deployment.kind == "hotfix" or _reverts(deployment, carried, taken_back):
            found[deployment.id] = Remedy(deployment, "hotfix", deployment.previous)
    return found


def _rollback(deployment: Deployment, here: list[Deployment]) -> Remedy | None:
    """V1 V2 V3 V1: the deployment right after the one that came back is mended. V1 V1 is a redeploy."""
    latest_of = [
        _latest_with(same, deployment, here) for same in (_same_revision, _same_artifact, _same_label)
    ]
    redeployed = deployment.previous is not None and deployment.previous in latest_of
    targets = [other for other in latest_of if other is not None and other is not deployment.previous]
    if deployment.kind != "rollback" and (redeployed or not targets):
        return None
    if targets:
        target = max(targets, key=lambda other: other.order)
        (mended,) = [other for other in here if other.number == (target.number or 0) + 1]
        return Remedy(deployment, "rollback", mended)
    # After a rollout that failed there is something else to clear up than the deployment before it.
    failed_between = any(not other.done and other.before == deployment.before for other in here)
    return Remedy(deployment, "rollback", None if failed_between else deployment.previous)


def _latest_with(same: "Same", deployment: Deployment, here: list[Deployment]) -> Deployment | None:
    """The last one before it that deployed the same."""
    earlier = [
        other for other in here if other.done and other.order < deployment.order and same(deployment, other)
    ]
    return max(earlier, key=lambda other: other.order, default=None)


Same = Callable[[Deployment, Deployment], bool]


def _same_revision(one: Deployment, other: Deployment) -> bool:
    return one.revision is not None and one.revision == other.revision


def _same_artifact(one: Deployment, other: Deployment) -> bool:
    return one.artifact is not None and one.artifact == other.artifact


def _same_label(one: Deployment, other: Deployment) -> bool:
    """A version says it only where neither of the two says more: it may be a label that moves."""
    more = [one.revision, one.artifact, other.revision, other.artifact]
    return not any(more) and one.version is not None and one.version == other.version


def _reverts(deployment: Deployment, carried: Carried, taken_back: dict[str, set[str]]) -> bool:
    """Whether it carries what takes back a change that the deployment right before it carried."""
    if deployment.previous is None:
        return False
    brought_before = carried[deployment.previous.id]
    return any(taken_back[change] & brought_before.keys() for change in carried[deployment.id])


def _taken_back(changes: dict[str, Change]) -> dict[str, set[str]]:
    """Change → the changes whose work it takes back. What takes back a revert brings work again instead, and
    what takes back that takes it back once more; so far it is followed."""
    by_name = {node(name): change.id for change in changes.values() for name in (change.id, *change.aliases)}
    told = {
        change.id: {by_name.get(node(name), name) for name in change.reverts} for change in changes.values()
    }
    unknown = {name for names in told.values() for name in names} - told.keys()
    told |= {name: set() for name in unknown}
    first = {change: {other for other in others if not told[other]} for change, others in told.items()}
    return {change: {other for other in others if not first[other]} for change, others in told.items()}
