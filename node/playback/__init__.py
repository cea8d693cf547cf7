"""A home's blocks played back into the observer's page: a day of the network, or an incident.

`span` says which blocks, `reel` copies them, `deck` says when which of them is shown, `player`
shows them, `routes` and `app` serve it. Nothing here writes to the home, or needs its node to run.
"""
