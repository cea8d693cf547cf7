"""The signer in a process of its own: what is said over the wire, its server, and the node's side.

`node/signer.py` is the signer with its key and state file; here it is put at a distance.
"""
