"""Replays: a book of contracts through weeks of real prices, on the real ledger, without a network.

The same book is margined daily and hourly, with one member's default if asked, and compared with
margin two days later and with margin contract by contract (docs/REPLAYS.md).
"""
