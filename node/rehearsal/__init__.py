"""Rehearsals: a script of dated steps run through the real ledger, without a network.

This is how a risk team tries the rulebook: every transaction goes through the very code that
decides blocks. Signatures alone are not made: who must sign is, so a rehearsal needs no secrets
and can start from a live node's state.
"""
