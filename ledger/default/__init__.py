"""Default: notice, declaration, close-out, the losses and who bears them, recovery; the fund."""
