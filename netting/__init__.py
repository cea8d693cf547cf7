"""Multilateral netting: obligations in, flows and a certificate out. Pure exact integers.

Start with `round` (what the ledger calls), then `graph`, `solve`, `check`, `settle`.
"""
