"""An upgrade at an agreed height: who decides the blocks up to it, and who those after it.

Every member puts `[upgrade] height, version` into its configuration before. The earlier version
stops by itself after that block, when its peers have it too; `dcn upgrade` brings the store to the
next version; and a version that is not the one agreed on for the next block does not start.
"""

from node.config import UpgradeSection
from wire.errors import EnvironmentFault
from wire.version import SOFTWARE_VERSION


class UpgradeDue(EnvironmentFault):
    """The last block of this version is decided: another version goes on from here."""

    code = "UPGRADE_DUE"
    remedy = "Install the version that `upgrade.version` names, run `dcn upgrade`, then `dcn run`."


class UpgradeTooEarly(EnvironmentFault):
    """This version begins after an agreed height that this node has not reached yet."""

    code = "UPGRADE_TOO_EARLY"
    remedy = "Run the earlier version: it fetches the blocks up to that height, and stops there."


def last_height(agreed: UpgradeSection) -> int:
    """The height of the last block that this version decides; 0: it knows of none."""
    return agreed.height if _is_before(agreed.version) else 0


def require_version(agreed: UpgradeSection, height: int) -> None:
    """Raise `UpgradeDue` or `UpgradeTooEarly` unless this version goes on from block `height`."""
    if not agreed.height:
        return
    before = _is_before(agreed.version)
    if before and height >= agreed.height:
        raise UpgradeDue(
            f"block {height}: {agreed.version} goes on after {agreed.height}, "
            f"this is {SOFTWARE_VERSION}"
        )
    if not before and height < agreed.height:
        raise UpgradeTooEarly(
            f"block {height}: {SOFTWARE_VERSION} goes on after {agreed.height} only"
        )


def _is_before(agreed: str) -> bool:
    """Whether this software is older than the version `agreed`; where none is, it is not."""
    return bool(agreed) and _numbers(SOFTWARE_VERSION) < _numbers(agreed)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
