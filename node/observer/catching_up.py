"""Blocks that the read store has missed, projected from those that the node keeps.

`python -m node.observer.catching_up HOME`; a node starts it as a process of its own when its read
store is new, older than its blocks, or was lost: every kept block is applied anew, which takes a
while and would keep the node from its work.
"""

import sys
from pathlib import Path
from typing import Final

from ledger.genesis import genesis_hash
from ledger.state import State
from node.history import steps
from node.home import Home
from node.observer.projection import Seen, begin, project
from node.observer.store import FILE, Writer

TOGETHER_MAX: Final = 100
"""Blocks written in one transaction."""


def catch_up(home: Home, store: Writer) -> int:
    """Project every block that the home keeps and the store has not; the store's height then.

    Where the blocks do not reach back to the store's height, it begins anew with what they begin
    with. Raises `NotInHistory`, `StoreDamaged`, `StoreMissing`.
    """

    def begun(state: State, height: int) -> None:
        if store.height < height:
            store.begin_anew()
            begin(store, state)

    thresholds = home.config().alerts
    waiting: list[Seen] = []
    for step in steps(home, begun=begun):
        if step.height > store.height:
            waiting.append(Seen(step.decided, step.applied, step.before))
        if len(waiting) == TOGETHER_MAX:
            project(store, waiting, thresholds)
            waiting = []
    return project(store, waiting, thresholds)


def store_of(home: Home) -> Writer:
    """The read store of a home, made if there is none that fits."""
    return Writer(home.data / FILE, genesis_hash(home.genesis()).hex())


def main() -> None:
    """Catch up the read store of the home named."""
    home = Home(Path(sys.argv[1]))
    store = store_of(home)
    try:
        catch_up(home, store)
    finally:
        store.close()


if __name__ == "__main__":
    main()
