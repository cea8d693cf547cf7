"""The next version of this program, as far as an upgrade goes: `python -m tests.e2e.next_version`.

It has another number, and a store with one more table, to which a migration leads.
"""

import wire.version
from node.storage import schema

EARLIER = wire.version.STORE_VERSION
LATER = EARLIER + 1
VERSION = "0.2.0"
TABLE = "CREATE TABLE upgraded (note TEXT NOT NULL)"

if __name__ == "__main__":
    wire.version.SOFTWARE_VERSION = VERSION  # type: ignore[misc]
    wire.version.STORE_VERSION = LATER  # type: ignore[misc]
    schema.SCHEMA += f"{TABLE};\n"  # type: ignore[misc]

    from node.storage import migrations

    steps = (*migrations.MIGRATIONS, migrations.Migration(LATER, "a table of notes", (TABLE,)))
    migrations.MIGRATIONS = steps  # type: ignore[misc]

    from node.cli.main import main

    main()
