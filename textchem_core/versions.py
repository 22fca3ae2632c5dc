"""Which release of a package this is."""

from importlib import metadata


def installed_version(package: str) -> str | None:
    """Return the version of an installed package, None where there is none or nobody wrote it down.

    conda's packages may come without what pip writes, and this one may be run from a checkout.
    """
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
