"""Routes about assets."""

from typing import Any

from litestar import get

from node.api import views
from node.api.errors import NotFound
from node.daemon import Daemon

Json = dict[str, Any]


def asset_queries(daemon: Daemon) -> list[Any]:
    """The route handlers."""
    shell = daemon.shell

    @get("/assets/{code:str}/holders", sync_to_thread=False)
    def holders(code: str) -> Json:
        """The register of holders of an asset, after the last block; for earlier heights there is
        `dcn holders --height`."""
        found = views.holders(shell.tip.state, code)
        if found is None:
            raise NotFound(f"asset {code[:32]}")
        return {"as_of_height": shell.tip.height, **found}

    return [holders]
