"""Which folder is read, what is downloaded, and what is said when that fails."""

import hashlib
from pathlib import Path

import pytest

from radexp.data.sources import cache_root, download, find_file, given_root, verify
from radexp.errors import UsageError

CONTENTS = b"the file"
MD5 = {"file.gz": hashlib.md5(CONTENTS).hexdigest()}


def test_root_is_the_setting_then_the_variable_then_nothing(cache, tmp_path, monkeypatch):
    (tmp_path / "set").mkdir()
    assert given_root(None) is None
    assert given_root("") is None
    assert cache_root() == cache
    monkeypatch.setenv("RADEXP_DATA", str(tmp_path))
    assert given_root(None) == tmp_path
    assert given_root(str(tmp_path / "set")) == tmp_path / "set"
    monkeypatch.setenv("RADEXP_DATA", "")
    assert given_root(None) is None


def test_tilde_is_the_home_folder(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert given_root("~") == tmp_path


@pytest.mark.parametrize("root", ["/no/such/folder", __file__, "~no_such_user/data", "x" * 5000])
def test_roots_that_are_no_folder_are_explained(cache, root, monkeypatch):
    message = "is no folder: data.root and RADEXP_DATA must name a readable folder; correct the"
    with pytest.raises(UsageError, match=message):
        given_root(root)
    monkeypatch.setenv("RADEXP_DATA", root)
    with pytest.raises(UsageError, match=message):
        given_root(None)


def test_files_are_found_in_either_place_packed_or_not(tmp_path):
    (tmp_path / "mnist").mkdir()
    for place in ("file.gz", "file", "mnist/file.gz", "mnist/file"):
        (tmp_path / place).touch()
        assert find_file(tmp_path, "file", "mnist") == tmp_path / place


def test_other_names_of_the_folder_are_looked_into_before_the_root(tmp_path):
    for place in ("", "other", "one", "own"):
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / "file").touch()
        found = find_file(tmp_path, "file", "own", "one", "other")
        assert found == tmp_path / place / "file"
    with pytest.raises(UsageError, match=rf"in {tmp_path}/a or {tmp_path}/b or {tmp_path}: a"):
        find_file(tmp_path, "absent", "a", "b")


def test_missing_files_are_named_with_their_folder_and_the_way_out(tmp_path):
    message = (
        rf"file\[\.gz\]: not found in {tmp_path}/mnist or {tmp_path}: .* never downloaded into; "
        "point data.root or RADEXP_DATA at a folder that holds it, "
        "or unset both and run: radexp data mnist"
    )
    with pytest.raises(UsageError, match=message):
        find_file(tmp_path, "file", "mnist")


def test_download_fills_a_new_folder_behind_a_progress_bar(server, cache, capfd):
    served, url = server
    (served / "file.gz").write_bytes(CONTENTS)
    download(cache / "new", url, MD5)
    assert (cache / "new" / "file.gz").read_bytes() == CONTENTS
    assert "100%" in capfd.readouterr().err


def test_what_is_there_is_not_fetched_again(cache, dead_url):
    cache.mkdir(parents=True)
    (cache / "file.gz").write_bytes(CONTENTS)
    download(cache, dead_url, MD5)
    assert (cache / "file.gz").read_bytes() == CONTENTS


def test_a_file_damaged_since_is_fetched_again(server, cache):
    served, url = server
    (served / "file.gz").write_bytes(CONTENTS)
    cache.mkdir(parents=True)
    (cache / "file.gz").write_bytes(b"rotten")
    download(cache, url, MD5)
    assert (cache / "file.gz").read_bytes() == CONTENTS


def test_a_damaged_download_is_explained_and_not_kept(server, cache):
    served, url = server
    (served / "file.gz").write_bytes(CONTENTS[:-1])
    message = rf"file\.gz: arrived damaged from {url}: expected is MD5 {MD5['file.gz']}; try again"
    with pytest.raises(UsageError, match=message):
        download(cache, url, MD5)
    assert list(cache.iterdir()) == []


def test_no_network_is_explained(cache, dead_url):
    message = rf"file\.gz: cannot be fetched from {dead_url} into .*ConnectionError.*data=digits"
    with pytest.raises(UsageError, match=message) as caught:
        download(cache, dead_url, MD5)
    assert "\n" not in str(caught.value)


def test_a_file_that_the_mirror_lacks_is_explained(server, cache):
    with pytest.raises(UsageError, match=r"cannot be fetched from .*\(HTTPError\)"):
        download(cache, server[1], MD5)


def test_a_cache_that_cannot_be_written_is_explained(server, cache):
    served, url = server
    (served / "file.gz").write_bytes(CONTENTS)
    cache.parent.write_text("a file where a folder should be")
    with pytest.raises(UsageError, match=r"into .*NotADirectoryError.*writable cache"):
        download(cache, url, MD5)


def test_contents_are_verified():
    sha256 = hashlib.sha256(CONTENTS).hexdigest()
    verify(CONTENTS, sha256, Path("file"))
    with pytest.raises(
        UsageError, match=rf"file: its contents have.*expected is {sha256[:16]}\.\."
    ):
        verify(CONTENTS + b"!", sha256, Path("file"))
