"""Commands in an empty folder, and the rows of runs that nothing happened to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from harness import RUNS, SERVER, Server, Starter, rows_of


@pytest.fixture(scope="session")
def fork_server(tmp_path_factory) -> Iterator[Server]:
    """Start the server, warm."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("RADEXP_DATA", None)
    warm = json.dumps([[*words, "training.iterations=10"] for words in RUNS.values()])
    with subprocess.Popen(
        [sys.executable, str(SERVER), warm],
        cwd=tmp_path_factory.mktemp("warm"),
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert "ready\n" in process.stdout
        yield Server(process)
        process.stdin.close()


@pytest.fixture
def commands(tmp_path, fork_server) -> Iterator[Starter]:
    """Return what starts commands in an empty folder."""
    folder = tmp_path / "cwd"
    folder.mkdir()
    yield Starter(folder, fork_server)
    fork_server.end()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, fork_server):
    """Return a function from words to the rows of a run that nothing happened to."""
    found: dict[tuple[str, ...], dict[str, list[dict[str, str]]]] = {}

    def rows(*words: str) -> dict[str, list[dict[str, str]]]:
        if words not in found:
            folder = tmp_path_factory.mktemp("undisturbed")
            ended = Starter(folder, fork_server).run(*words)
            assert (ended.status, ended.err) == (0, "")
            found[words] = rows_of(folder)
        return found[words]

    return rows
