"""The light client: trust in a header grows into trust in later headers, with no peer trusted.

Pure: no socket, no clock, no file. `verify.py` judges one step, `client.py` asks for what it needs.
"""
