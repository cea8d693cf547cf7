"""`dcn light`: the light client as a command."""
