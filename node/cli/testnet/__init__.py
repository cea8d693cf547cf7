"""`dcn testnet`: a network of real node processes on this machine, and a replay of market days."""
