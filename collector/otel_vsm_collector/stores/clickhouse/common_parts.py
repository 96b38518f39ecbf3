"""The common parts of a query, each computed once.

ClickHouse plans and computes a common table expression again wherever it is named, which adds up where one
names another.
"""

from functools import cache

import sqlglot
from clickhouse_connect.driver.client import Client
from sqlglot.expressions import Query

_Parts = list[tuple[str, str]]
"""(name, query), in the order in which they are to be computed; the last is what remains, without a name."""


def parts_of(query: str | Query) -> _Parts:
    """The common table expressions of a query, and what remains."""
    if isinstance(query, str):
        return _parsed(query)
    return _apart(query)


def last_part(client: Client, parts: _Parts) -> str:
    """What remains of a query once its other parts are computed, as scratch tables of the session."""
    for name, rows in parts[:-1]:
        client.command(f"CREATE OR REPLACE TEMPORARY TABLE {name} ENGINE = Memory AS {rows}")
    return parts[-1][1]


@cache
def _parsed(query: str) -> _Parts:
    if not query.startswith("WITH"):
        return [("", query)]
    tree = sqlglot.parse_one(query, dialect="clickhouse")
    assert isinstance(tree, Query)
    return _apart(tree)


def _apart(tree: Query) -> _Parts:
    named = [(cte.alias, cte.this.sql("clickhouse")) for cte in tree.ctes]
    tree.set("with_", None)
    return [*named, ("", tree.sql("clickhouse"))]
