"""What operators do beside running a node: examine it, back it up, and show it to a colleague."""
