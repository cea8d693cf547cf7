"""The command `dcn`: one file per command."""
