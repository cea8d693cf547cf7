"""The version of the software that runs."""

from importlib.metadata import PackageNotFoundError, version


def software_version() -> str:
    """Of the installed package; a checkout that was never installed has none."""
    try:
        return version("dcn")
    except PackageNotFoundError:
        return "(a checkout, not installed)"
