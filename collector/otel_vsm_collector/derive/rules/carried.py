"""Which changes a deployment carries, and by which method that was found."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.derive.rules.changes import ARTIFACT, LINKS, OWN, REVISION
from otel_vsm_collector.derive.rules.sequence import PAIR

TIME = "time"
METHODS = (LINKS, REVISION, ARTIFACT, TIME)
"""Best first."""


def matched_claims(claims: ir.Table, keys: ir.Table) -> ir.Table:
    """The table `matched_claim`: the changes that deployments claim, rightly or not, and by which methods."""
    return claims.join(keys, ["method", "key"]).select("deployment_id", "change_id", "method").distinct()


def deployment_changes(claims: ir.Table, order: ir.Table, profile: Profile) -> ir.Table:
    """The table `deployment_change` from the rows of `matched_claim` of all deployments that claim
    the same changes, and their rows of `deployment_order`.

    A deployment carries what it links to, and its head change: the one that its revision names, else the
    one that produced its artifact, else the one that it was told of as a part of.

    - The first deployment of a service to an environment carries its head change only: what it links to
      has gathered since long before anyone measured. Where nothing else tells its head, a single link does.
      A profile may have it carry all, or nothing.
    - A head change that a successful deployment carried before is not carried again: a redeploy or a
      rollback brings nothing new.
    """
    wanted = (*profile.mapping, *((OWN,) if LINKS in profile.mapping else ()))
    matches = claims.filter(claims.method.isin(wanted))
    matches = matches.join(order, matches.deployment_id == order.id)
    matches = matches.mutate(
        linked=matches.method == LINKS,
        method=ifelse(matches.method == OWN, LINKS, matches.method),
        rank=ibis.cases((matches.method == REVISION, 0), (matches.method == ARTIFACT, 1), else_=2),
    )
    heads = matches.filter(~matches.linked)
    heads = heads.mutate(best=heads["rank"].min().over(ibis.window(group_by=heads.deployment_id)))
    heads = heads.filter(heads["rank"] == heads.best).drop("best")
    links = matches.filter(matches.linked)
    carried = [heads, links.filter(links.before > 0)]
    if profile.first_deployment == "all":
        carried = [heads, links]
    elif profile.first_deployment == "none":
        carried = [part.filter(part.before > 0) for part in (heads, links)]
    else:
        alone = links.filter(links.before == 0, links.links == 1)
        carried.append(alone.anti_join(heads, "deployment_id"))
    together = ibis.union(*carried)

    number = ibis.coalesce(together.number, together.before + 1)
    first = together.number.min().over(
        ibis.window(group_by=[together.service, together.environment, together.change_id])
    )
    together = together.mutate(again=(first < number).fill_null(False))
    together = together.filter(together.linked | ~together.again)
    pair = ("deployment_id", "change_id")
    return best_method(matches.semi_join(together, pair), *pair)


def by_time(
    known: ir.Table, order: ir.Table, reports: ir.Table, changes: ir.Table, profile: Profile
) -> ir.Table:
    """The rows that `deployment_change` has beside the `known` ones because of when changes were merged.

    A successful deployment carries what was merged into its repository since the one before it began, up to
    when it began itself; where runs of a change say which services they were for, only if its own is among
    them. Where a better method tells which deployment brought a change, that one did.
    """
    started = reports.select("id", "repository", "started_at")
    done = order.filter(order.number.notnull()).select("id", *PAIR, "number", "previous_id")
    done = done.join(started, "id")
    before = started.select(previous_id="id", since="started_at")
    done = done.left_join(before, "previous_id").drop("previous_id_right")
    if profile.first_deployment != "all":
        done = done.filter(done.since.notnull())
    merged = changes.select("repository", "merged_at", "services", change_id="id")
    merged = merged.filter(merged.merged_at.notnull())
    matches = done.join(merged, "repository")
    matches = matches.filter(
        matches.merged_at > matches.since.fill_null(-1),
        matches.merged_at <= matches.started_at,
        (matches.services.length() == 0) | matches.services.contains(matches.service),
    )
    matches = matches.select(*PAIR, "change_id", deployment_id="id")
    elsewhere = known.join(
        order.filter(order.number.notnull()).select(*PAIR, deployment_id="id"), "deployment_id"
    )
    matches = matches.anti_join(elsewhere, [*PAIR, "change_id"])
    return matches.select("deployment_id", "change_id", method=ibis.literal(TIME))


def in_repositories(reports: ir.Table, changes: ir.Table, touched: ir.Table) -> ir.Table:
    """The deployments (deployment_id) of the repositories that touched changes are of."""
    own = changes.semi_join(touched, changes.id == touched.change_id)
    return reports.semi_join(own, "repository").select(deployment_id="id")


def beside(reports: ir.Table, deployments: ir.Table) -> ir.Table:
    """All deployments (deployment_id) of the services and environments that `deployments` are of, and they
    themselves."""
    pairs = reports.semi_join(deployments, reports.id == deployments.deployment_id)
    return deployments.union(reports.semi_join(pairs, PAIR).select(deployment_id="id"), distinct=True)


def best_method(carried: ir.Table, *by: str) -> ir.Table:
    """The best method (`method`) among the rows that share `by`."""
    groups = carried.group_by(*by).agg(**{name: (carried.method == name).any() for name in METHODS})
    return groups.select(*by, method=ibis.cases(*((groups[name], name) for name in METHODS)))
