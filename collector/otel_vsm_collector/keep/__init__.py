"""Keep: the journal of what was acknowledged, and the ledger of columns made from it."""
