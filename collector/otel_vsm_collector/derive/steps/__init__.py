"""The steps of a refresh, in their order.

Each takes what it needs out of the lasting tables once, by its key, and computes with the little that it
took: a search through a table costs more than all that follows.
"""
