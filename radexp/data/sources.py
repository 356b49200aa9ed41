"""Where the files of a data set lie, how missing ones are fetched, and how they are verified.

A folder that the user names, by ``data.root`` or ``RADEXP_DATA``, is only read. Downloads go to
the per-user cache, and nothing else does.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import pooch

from radexp.errors import UsageError

ROOT_VARIABLE = "RADEXP_DATA"
OWN_FOLDER = f"point data.root or {ROOT_VARIABLE} at a folder that holds it"


def given_root(root: str | Path | None) -> Path | None:
    """Return the folder the user named: ``root``, else ``RADEXP_DATA``, else None.

    Empty strings count as not given.

    Raises:
        UsageError: If it is not a folder.
    """
    chosen = root or os.environ.get(ROOT_VARIABLE)
    if not chosen:
        return None
    try:
        folder = Path(chosen).expanduser()
        if folder.is_dir():
            return folder
    except (OSError, RuntimeError):  # a name too long, a folder out of reach, no such ~user
        pass
    raise UsageError(
        f"{chosen}: is no folder: data.root and {ROOT_VARIABLE} must name a readable folder; "
        "correct the one you set, or unset both to use the download cache"
    )


def cache_root() -> Path:
    """Return the per-user folder of downloads; it need not exist yet."""
    return Path(pooch.os_cache("radexp"))


def find_file(root: Path, name: str, dataset: str, *folders: str) -> Path:
    """Return where a file lies in a folder the user named.

    Args:
        root: That folder.
        name: Name of the file without ``.gz``; with it is found too.
        dataset: Name of the data set, which may also be a sub-folder of ``root``.
        *folders: Other names that the sub-folder may have.

    Returns:
        The first that is readable of ``root/dataset/name``, the same in each other sub-folder,
        ``root/name``, and each with ``.gz``.

    Raises:
        UsageError: If none is.
    """
    places = [*(root / sub_folder for sub_folder in (dataset, *folders)), root]
    for folder in places:
        for path in (folder / name, folder / f"{name}.gz"):
            if os.access(path, os.R_OK):  # unlike is_file, never raises
                return path
    raise UsageError(
        f"{name}[.gz]: not found in {' or '.join(map(str, places))}: a folder that you name must "
        f"hold it and is never downloaded into; {OWN_FOLDER}, "
        f"or unset both and run: radexp data {dataset}"
    )


def download(folder: Path, base_url: str, md5s: Mapping[str, str]) -> None:
    """Fetch into ``folder`` what is missing or damaged there, behind a progress bar.

    A file appears under its name only when it is whole, so interrupted and concurrent calls
    are safe.

    Args:
        folder: Folder to fill, made if needed.
        base_url: Address of the files' folder, with a slash at its end.
        md5s: MD5 in hexadecimal by file name.

    Raises:
        UsageError: If a file cannot be fetched or arrives damaged.
    """
    registry = {name: f"md5:{md5}" for name, md5 in md5s.items()}
    store = pooch.create(path=folder, base_url=base_url, registry=registry)
    downloader = pooch.HTTPDownloader(progressbar=True, chunk_size=1 << 16)
    for name in registry:
        try:
            store.fetch(name, downloader=downloader)
        except OSError as error:
            raise UsageError(
                f"{name}: cannot be fetched from {base_url} into {folder} "
                f"({type(error).__name__}): this needs a network and a writable cache; try again, "
                f"{OWN_FOLDER}, or use data=digits, which needs no download"
            ) from error
        except ValueError as error:
            raise UsageError(
                f"{name}: arrived damaged from {base_url}: expected is MD5 {md5s[name]}; "
                f"try again later, or {OWN_FOLDER}"
            ) from error


def combined_sha256(contents: Mapping[str, str]) -> str:
    """Return one digest for the verified files of a data set.

    Args:
        contents: SHA-256 in hexadecimal by file name.

    Example:
        >>> combined_sha256({"a": "00", "b": "11"})[:8]
        '92c4485d'
    """
    return hashlib.sha256(" ".join(contents.values()).encode()).hexdigest()


def verify(contents: bytes, sha256: str, path: Path) -> None:
    """Check uncompressed contents; packed files of the same contents differ between mirrors.

    Args:
        contents: The file, uncompressed.
        sha256: Its SHA-256 in hexadecimal.
        path: Its name, for the message.

    Raises:
        UsageError: If the contents are others.
    """
    found = hashlib.sha256(contents).hexdigest()
    if found != sha256:
        raise UsageError(
            f"{path}: its contents have SHA-256 {found[:16]}...: expected is {sha256[:16]}..., the "
            "published file; replace it by the published one"
        )
