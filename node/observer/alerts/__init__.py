"""Alerts by rule: what a supervisor wants to be told of, with the figure and its threshold.

A rule is a function of the read store (`rules`). After each block they are asked again, and what
has become so, or is so no longer, is a row of `alerts` (`watch`): it follows from the blocks and
the node's `[alerts]`, as everything there.
"""
