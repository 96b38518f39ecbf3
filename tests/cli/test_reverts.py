"""What a stage tells of the changes that its commit takes back."""

from harness.cli import Cli, Repository

SHOP = "github.com/acme/shop"


def told(cli: Cli) -> object:
    return cli.record("stage", "build", "--", "true").attributes.get("vsm.change.reverts")


def test_all_that_a_message_takes_back_is_told_on_a_line_each(cli: Cli, shop: Repository) -> None:
    first, second = shop.commit("Break it"), shop.commit("Break more")
    shop.commit(
        f"Undo (#14)\n\n* one\n\nThis reverts commit {first[:8]}.\n\n* two\n\nThis reverts commit {second}."
    )
    assert told(cli) == f"{SHOP}@{first}\n{SHOP}@{second}"


def test_what_takes_back_a_revert_takes_back_nothing(cli: Cli, shop: Repository) -> None:
    broken = shop.commit("Break it")
    revert = shop.commit(f"Undo it\n\nThis reverts commit {broken}.")
    shop.commit(f"Once more\n\nThis reverts commit {revert}.")
    assert told(cli) is None
    shop.commit('Revert "Revert "Add a cart (#12)" (#13)" (#14)')
    assert told(cli) is None
