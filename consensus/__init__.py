"""Pure Tendermint: inputs in, effects out. It knows digests and voting power, nothing of trades.

The algorithm is Algorithm 1 of "The latest gossip on BFT consensus" (arXiv 1807.04938); `L22`
in a comment is its line 22. docs/CONSENSUS.md maps each rule to its place and its test.
"""
