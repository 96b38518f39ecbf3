"""What scenarios call changes."""

REPOSITORY = "github.com/acme/shop"
"""Of whatever names no other."""


def change_id(name: str | int) -> str:
    """The id of a change from how a scenario names it: `7`, `@c1`, or its id."""
    name = str(name)
    if name.startswith("@"):
        return REPOSITORY + name
    return name if "/" in name else f"{REPOSITORY}#{name}"
