"""A web server on this machine, and a user who has set nothing and downloaded nothing."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import socket
import threading

import pytest

from radexp.data import mnist


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder without writing a log."""

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def server(tmp_path):
    """Yield a folder and the address under which it is served."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield folder, f"http://127.0.0.1:{httpd.server_port}/"
        httpd.shutdown()
        thread.join()


@pytest.fixture
def dead_url():
    """Return an address at which nobody answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Return an empty download cache, with no folder given by the environment."""
    monkeypatch.delenv("RADEXP_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "cache" / project)
    return tmp_path / "cache" / "radexp"


def tiny_mnist_files() -> dict[str, bytes]:
    """Return small stand-ins of MNIST's four files: 3 training and 2 test images of 2x2."""
    files = {}
    for part, num in (("train", 3), ("t10k", 2)):
        pixels = bytes(range(4 * num))
        files[f"{part}-images-idx3-ubyte"] = bytes(
            [0, 0, 8, 3, 0, 0, 0, num, 0, 0, 0, 2, 0, 0, 0, 2, *pixels]
        )
        files[f"{part}-labels-idx1-ubyte"] = bytes([0, 0, 8, 1, 0, 0, 0, num, *range(num)])
    return files


@pytest.fixture
def tiny(cache, monkeypatch):
    """Let small stand-ins be MNIST's published files; return them unpacked and packed."""
    files = tiny_mnist_files()
    packed = {f"{name}.gz": gzip.compress(data, mtime=0) for name, data in files.items()}
    sha256 = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    md5 = {name: hashlib.md5(data).hexdigest() for name, data in packed.items()}
    monkeypatch.setattr(mnist, "CONTENTS", sha256)
    monkeypatch.setattr(mnist, "DOWNLOADS", md5)
    return files, packed
