"""Which changes a deployment carries, and by which method that was found."""

import ibis
import ibis.expr.types as ir

LINKS, REVISION, ARTIFACT = "links", "revision", "artifact"
METHODS = (LINKS, REVISION, ARTIFACT)
"""Best first."""


def claimed(claims: ir.Table, keys: ir.Table, deployments: ir.Table) -> ir.Table:
    """The changes (change_id) that deployments claim, rightly or not."""
    return keys.semi_join(claims.semi_join(deployments, "deployment_id"), ["method", "key"]).select(
        "change_id"
    )


def claiming(claims: ir.Table, keys: ir.Table, changes: ir.Table) -> ir.Table:
    """The deployments (deployment_id) that claim changes."""
    return claims.semi_join(keys.semi_join(changes, "change_id"), ["method", "key"]).select("deployment_id")


def deployment_changes(claims: ir.Table, keys: ir.Table, places: ir.Table) -> ir.Table:
    """The table `deployment_change` from the claims of all deployments that claim the same changes.

    A deployment carries what it links to, and its head change: the one that its revision names, else the
    one that produced its artifact, else the one in whose trace it lives.

    - The first deployment of a service to an environment carries its head change only: what it links to
      has gathered since long before anyone measured. Where nothing else tells its head, a single link does.
    - A head change that a successful deployment carried before is not carried again: a redeploy or a
      rollback brings nothing new.
    """
    found = claims.join(keys, ["method", "key"]).select("deployment_id", "change_id", "method", "own")
    found = found.join(places, found.deployment_id == places.id)
    linked = (found.method == LINKS) & ~found.own
    found = found.mutate(
        linked=linked,
        rank=ibis.cases(
            *((found.method == method, rank) for rank, method in enumerate((REVISION, ARTIFACT))), else_=2
        ),
    )
    heads = found.filter(~found.linked)
    heads = heads.mutate(best=heads["rank"].min().over(ibis.window(group_by=heads.deployment_id)))
    heads = heads.filter(heads["rank"] == heads.best).drop("best")
    links = found.filter(found.linked)
    alone = links.mutate(others=links.change_id.nunique().over(ibis.window(group_by=links.deployment_id)))
    alone = alone.filter(alone.before == 0, alone.others == 1).drop("others")
    alone = alone.anti_join(heads, "deployment_id")
    carried = ibis.union(heads, links.filter(links.before > 0), alone)

    place = ibis.coalesce(carried.number, carried.before + 1)
    first = carried.number.min().over(
        ibis.window(group_by=[carried.service, carried.environment, carried.change_id])
    )
    carried = carried.mutate(again=(first < place).fill_null(False))
    carried = carried.filter(carried.linked | ~carried.again)
    return best_method(carried, "deployment_id", "change_id")


def best_method(carried: ir.Table, *by: str) -> ir.Table:
    """The best method (`method`) among the rows that share `by`."""
    groups = carried.group_by(*by).agg(**{name: (carried.method == name).any() for name in METHODS})
    return groups.select(*by, method=ibis.cases(*((groups[name], name) for name in METHODS)))
