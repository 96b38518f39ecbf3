"""Stores: the journal, and the engines that the ledger and its facts can be in."""
