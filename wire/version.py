"""The versions that stand in handshake, header and database from the first block on."""

from typing import Final

SOFTWARE_VERSION: Final = "0.1.0"
"""Of the program as a whole: major, minor, patch."""

PROTOCOL_VERSION: Final = 5
"""Of everything that is hashed, signed or sent: block headers and the handshake carry it."""

STORE_VERSION: Final = 6
"""Of the node's SQLite schema and its files; `PRAGMA user_version` carries it."""
