"""Requests of one repository: never one change, whatever names they share.

Where names connect several of them, as the head of `develop` does with every request that was merged into it,
they are joined pair by pair, the surest first, and never where two of these requests would become one.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_REQUEST = r"(?P<repository>(?s:.*))#(?P<number>[0-9]+)"


@dataclass(eq=False, slots=True)
class _Part:
    nodes: set[str]
    requests: dict[str, str]
    """Repository → the one request of it that is in here."""


def with_rivals(nodes: pa.Array, component: pa.Array) -> pa.Array:
    """The components that several requests of one repository are in."""
    requests = pc.extract_regex(nodes, f"^{_REQUEST}$")
    found = pa.table(
        [component, nodes, pc.struct_field(requests, "repository")], ["component", "node", "repository"]
    )
    found = found.filter(pc.is_valid(requests)).group_by(["component", "repository"])
    found = found.aggregate([("node", "count_distinct")])
    return pc.unique(found.filter(pc.greater(found["node_count_distinct"], 1))["component"])


def parts(pairs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Of each node in these rows of `alias`, all of whole components, the smallest node of its change.

    Names are joined in this order: first those of which one is what the other became, as a merge says, or a
    span of the request on the branch that it is to be merged into; then those of the request with the lowest
    number, names that are no request's last.
    """
    pairs = list(pairs)
    bases = {(pair["node"], pair["base"]) for pair in pairs if pair["base"] is not None}

    def rank(pair: Mapping[str, Any]) -> tuple[bool, bool, int, str, str, str]:
        named = _is_request(pair["node"])
        became = named and (pair["merged"] or (pair["node"], pair["branch"]) in bases)
        one, other = sorted((pair["node"], pair["other_node"]))
        number = min((_number(node) for node in (one, other) if _is_request(node)), default=None)
        return not became, number is None, *(number or (0, "")), one, other

    part_of: dict[str, _Part] = {}
    for pair in sorted(pairs, key=rank):
        one, other = (_part(part_of, pair[column]) for column in ("node", "other_node"))
        if one is other or any(
            other.requests.get(repository, node) != node for repository, node in one.requests.items()
        ):
            continue
        if len(one.nodes) < len(other.nodes):
            one, other = other, one
        one.nodes |= other.nodes
        one.requests |= other.requests
        part_of.update(dict.fromkeys(other.nodes, one))
    smallest = {id(part): min(part.nodes) for part in part_of.values()}
    return {node: smallest[id(part)] for node, part in part_of.items()}


def _part(part_of: dict[str, _Part], node: str) -> _Part:
    if node not in part_of:
        request = re.fullmatch(_REQUEST, node)
        part_of[node] = _Part({node}, {request["repository"]: node} if request else {})
    return part_of[node]


def _is_request(node: str) -> bool:
    return re.fullmatch(_REQUEST, node) is not None


def _number(node: str) -> tuple[int, str]:
    """The request's number, to be compared: however many digits it has."""
    digits = node.rpartition("#")[2].lstrip("0")
    return len(digits), digits
