"""The views, one file each: its answer, how it is read, and its route. See `sight` for the rest."""
