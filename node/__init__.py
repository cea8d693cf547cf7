"""The daemon: a pure core, and the only place with I/O."""
