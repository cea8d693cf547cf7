"""Who looks, and what of the network's business is its to see: the one place that says so.

A member sees its own business and what is public; a person of an authority sees what a mandate of
the ledger names. The store behind it all holds every term in clear: this is access control at the
API, for those who have nothing but a token of it.
"""
