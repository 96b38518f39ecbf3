"""Which changes a deployment carries, and by which method that was found."""

import ibis
import ibis.expr.types as ir
from ibis import ifelse

from otel_vsm_collector.declared.profiles import Profile
from otel_vsm_collector.derive.rules.changes import ANCESTRY, ARTIFACT, LINKS, OWN, REVISION
from otel_vsm_collector.derive.rules.sequence import PAIR

TIME = "time"
METHODS = (LINKS, ANCESTRY, REVISION, ARTIFACT, TIME)
"""Best first."""


def matched_claims(claims: ir.Table, ancestors: ir.Table, keys: ir.Table) -> ir.Table:
    """The table `matched_claim`: the changes that deployments claim, rightly or not, and by which methods.

    `claims` are rows of `deployment_claim`, `ancestors` of `ancestor_claim`, `keys` of `change_key`.
    """
    columns = ("deployment_id", "change_id", "method")
    standing = ancestors.join(keys.filter(keys.method == LINKS), "key")
    standing = standing.mutate(method=ibis.literal(ANCESTRY))
    matched = claims.join(keys, ["method", "key"]).select(*columns)
    return matched.union(standing.select(*columns), distinct=True)


def deployment_changes(claims: ir.Table, order: ir.Table, profile: Profile, *per: str) -> ir.Table:
    """The table `deployment_change` from the rows of `matched_claim` of all deployments that claim
    the same changes, and their rows of `deployment_order`.

    Of deployments that differ in columns `per` of their order, one brings a head change although another did.

    A deployment carries what it links to, its head change (the one that its revision names, else the one that
    produced its artifact, else the one that it was told of as a part of), and what it stands on.

    - The first deployment of a service to an environment carries its head change only: what it links to or
      stands on has gathered since long before anyone measured. Where nothing else tells its head, a single
      link does. A profile may have it carry all, or nothing.
    - A head change that a successful deployment carried or stood on before is not carried again: a redeploy
      or a rollback brings nothing new.
    - What it stands on, it carries where no successful deployment before it stood on that or tells of it in
      another way. The one right before it does not know: a rollback stands on less, the clone of another was
      shallow. Each change that any of them stood on is among the claims of the first that did. The first that
      comes from a repository is a first one in that.
    """
    matches = _matches(claims, order, profile)
    heads = matches.filter(~matches.linked, ~matches.standing)
    heads = heads.mutate(best=heads["rank"].min().over(ibis.window(group_by=heads.deployment_id)))
    heads = heads.filter(heads["rank"] == heads.best).drop("best")
    links, standing = matches.filter(matches.linked), matches.filter(matches.standing)
    told, ancestors = [heads, links], standing
    if profile.first_deployment != "all":
        ancestors = standing.filter(standing.before_alike > 0)
        told = [rows.filter(rows.before > 0) for rows in told]
    if profile.first_deployment == "head":
        alone = links.filter(links.before == 0, links.links == 1)
        told += [heads.filter(heads.before == 0), alone.anti_join(heads, "deployment_id")]
    together = ibis.union(*told)
    brought = ibis.union(
        together.filter(together.linked).select(*_BROUGHT),
        _new(together.filter(~together.linked), together.union(standing), *PAIR, *per),
        _new(ancestors, ibis.union(heads, links, standing), *PAIR),
    )
    return best_method(matches.semi_join(brought, _BROUGHT), *_BROUGHT)


_BROUGHT = ("deployment_id", "change_id")


def contained(claims: ir.Table, order: ir.Table, profile: Profile) -> ir.Table:
    """(change_id, environment, arrived_at, before_first): what successful deployments say of the changes that
    they carry or stand on, whether or not they are the ones that brought them.

    `before_first` are those that the first one from a repository links to or stands on. Arguments as in
    `deployment_changes`.
    """
    matches = _matches(claims, order, profile)
    matches = matches.filter(matches.number.notnull())
    return matches.select(
        "change_id",
        "environment",
        arrived_at="finished_at",
        before_first=(matches.linked | matches.standing) & (matches.before_alike == 0),
    )


def _matches(claims: ir.Table, order: ir.Table, profile: Profile) -> ir.Table:
    """The claims by methods that the profile uses, each with the place of its deployment."""
    wanted = (*profile.mapping, *((OWN,) if {LINKS, ANCESTRY} & set(profile.mapping) else ()))
    matches = claims.filter(claims.method.isin(wanted))
    matches = matches.join(order, matches.deployment_id == order.id)
    matches = matches.mutate(
        linked=matches.method == LINKS,
        standing=matches.method == ANCESTRY,
        method=ifelse(matches.method == OWN, _method_of_own(matches, profile), matches.method),
        rank=ibis.cases((matches.method == REVISION, 0), (matches.method == ARTIFACT, 1), else_=2),
    )
    return matches.filter(matches.method.notnull())


def _method_of_own(matches: ir.Table, profile: Profile) -> ir.StringValue:
    """By which method the change is found that a deployment was told of as a part of; null: by none.

    It is the newest of what a deployment stands on, where that is told.
    """
    by_link = ibis.literal(LINKS) if LINKS in profile.mapping else ibis.null("string")
    return ifelse(matches.ancestors > 0, ANCESTRY, by_link) if ANCESTRY in profile.mapping else by_link


def _new(rows: ir.Table, earlier: ir.Table, *alike: str) -> ir.Table:
    """(deployment_id, change_id): those of the rows whose change is not among the `earlier` ones of a
    successful deployment before theirs that is like theirs in these columns."""
    by = (*alike, "change_id")
    first = earlier.group_by(*by).agg(first=earlier.number.min())
    rows = rows.left_join(first, by)
    number = ibis.coalesce(rows.number, rows.before + 1)
    return rows.filter((rows["first"] >= number).fill_null(True)).select(*_BROUGHT)


def by_time(
    known: ir.Table, order: ir.Table, reports: ir.Table, changes: ir.Table, profile: Profile
) -> ir.Table:
    """The rows that `deployment_change` has beside the `known` ones because of when changes were merged.

    A successful deployment carries what was merged into its repository since the one before it began, up to
    when it began itself, and no earlier one carries; where runs of a change say which services they were for,
    only if its own is among them. Where a better method tells which deployment brought a change, it was that
    one.
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
    # Of deployments that overlap, several began after it.
    first = ibis.window(group_by=[*PAIR, "change_id"])
    matches = matches.mutate(first=matches.number.min().over(first))
    matches = matches.filter(matches.number == matches["first"])
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
