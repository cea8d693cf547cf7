"""The node's pure core: consensus, ledger, mempool and sync joined; inputs in, effects out.

Nothing here sees a clock, a socket, a disk or randomness, so a whole network of cores can run in
one process, in virtual time, from one seed.
"""
