"""`dcn net`: netting of obligations in files, without any network; one file per concern."""
