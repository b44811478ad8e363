"""The vault: seals with an age key outside the data folder, and refuses every key file that others could have."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyrage import x25519

from crawler.vault import MAX_NAME, MAX_PLAIN, Vault, VaultError, make_key

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
SECRET = {"account": "grey_heron", "cookies": [{"name": "sid", "value": "9f3a-not-real"}]}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def key(tmp_path: Path, data: Path) -> Path:
    path = tmp_path / "keys" / "one.age"
    make_key(path, data=data, now=NOW)
    return path


def test_what_is_sealed_comes_back(key: Path) -> None:
    assert Vault(key).unseal(Vault(key).seal(SECRET)) == SECRET


def test_nothing_of_it_shows_in_the_sealed_bytes(key: Path) -> None:
    sealed = Vault(key).seal(SECRET)
    assert b"grey_heron" not in sealed
    assert b"9f3a" not in sealed


def test_the_key_file_is_one_that_age_reads_and_nobody_else(key: Path) -> None:
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert re.fullmatch(
        r"# created: 2026-11-22T20:00:00\+00:00\n# public key: age1[a-z0-9]{58}\nAGE-SECRET-KEY-1[A-Z0-9]{58}\n",
        key.read_text(),
    )


def test_the_mode_does_not_depend_on_the_umask(tmp_path: Path, data: Path) -> None:
    before = os.umask(0)
    try:
        make_key(tmp_path / "k.age", data=data, now=NOW)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "k.age").stat().st_mode) == 0o600


def test_a_key_that_is_there_is_kept(key: Path, data: Path) -> None:
    before = key.read_bytes()
    assert make_key(key, data=data, now=NOW) is False
    assert key.read_bytes() == before


@pytest.mark.parametrize("place", ["key.age", "sites/../key.age", "sites/deep/key.age"])
def test_no_key_in_the_data_folder(data: Path, place: str) -> None:
    with pytest.raises(VaultError, match=r"lies in the data folder .*TUSKWATCH_KEY_FILE"):
        make_key(data / place, data=data, now=NOW)
    assert not list(data.iterdir())


def test_no_key_in_the_data_folder_by_way_of_a_link(tmp_path: Path, data: Path) -> None:
    (tmp_path / "elsewhere").symlink_to(data)
    with pytest.raises(VaultError, match="lies in the data folder"):
        make_key(tmp_path / "elsewhere" / "key.age", data=data, now=NOW)


def test_a_key_moved_into_the_data_folder_is_refused_by_the_vault(key: Path, data: Path) -> None:
    key.rename(data / "key.age")
    with pytest.raises(VaultError, match="lies in the data folder"):
        Vault(data / "key.age", data=data).check()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o606, 0o777, 0o610])
def test_a_key_that_others_may_use_is_refused(key: Path, mode: int) -> None:
    key.chmod(mode)
    with pytest.raises(VaultError, match=f"chmod 600 {key}"):
        Vault(key).check()


def test_a_link_is_refused(key: Path, tmp_path: Path) -> None:
    (tmp_path / "link.age").symlink_to(key)
    with pytest.raises(VaultError, match="is a link"):
        Vault(tmp_path / "link.age").check()


def test_a_link_to_nowhere_is_not_written_through(tmp_path: Path, data: Path) -> None:
    (tmp_path / "link.age").symlink_to(tmp_path / "target")
    with pytest.raises(VaultError, match="is a link"):
        make_key(tmp_path / "link.age", data=data, now=NOW)
    assert not (tmp_path / "target").exists()


def test_a_missing_key_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match=r"There is no key file .*tuskwatch session open SITE"):
        Vault(tmp_path / "none.age").unseal(b"age-encryption.org/v1\nwhatever")


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="is no file"):
        Vault(tmp_path).check()


def test_a_pipe_in_its_place_holds_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.age", 0o600)
    with pytest.raises(VaultError, match="is no file"):
        Vault(tmp_path / "pipe.age").check()


def test_a_relative_place_is_refused(data: Path) -> None:
    with pytest.raises(VaultError, match="must be a whole path"):
        make_key(Path("key.age"), data=data, now=NOW)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, data: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(VaultError, match="cannot be made"):
        make_key(tmp_path / "file" / "key.age", data=data, now=NOW)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"# only a comment\n",
        b"AGE-SECRET-KEY-1WRONG\n",
        b"AGE-PLUGIN-YUBIKEY-1QQQQQQQQ\n",
        b"\xff\xfe\x00",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        b"x" * 20_000,
        str(x25519.Identity.generate()).encode() + b"\n" + str(x25519.Identity.generate()).encode(),
    ],
)
def test_what_is_no_key_is_refused_and_never_shown(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.age"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(VaultError, match="is not what age-keygen writes") as caught:
        Vault(path).check()
    assert caught.value.__cause__ is None
    assert all(line not in str(caught.value) for line in content.decode("latin-1").split() if len(line) > 12)


def test_another_key_opens_nothing(key: Path, tmp_path: Path, data: Path) -> None:
    make_key(tmp_path / "two.age", data=data, now=NOW)
    with pytest.raises(VaultError, match="is damaged, or was sealed with another key"):
        Vault(tmp_path / "two.age").unseal(Vault(key).seal(SECRET))


def test_every_truncation_is_refused(key: Path) -> None:
    vault = Vault(key)
    sealed = vault.seal({"a": "b"})
    for size in range(len(sealed)):
        with pytest.raises(VaultError):
            vault.unseal(sealed[:size])


def test_every_changed_byte_is_noticed_or_harmless(key: Path) -> None:
    vault = Vault(key)
    sealed = vault.seal({"a": "b"})
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 0x41
        try:
            assert vault.unseal(bytes(changed)) == {"a": "b"}
        except VaultError:
            continue


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    folder = tmp_path_factory.mktemp("shared")
    make_key(folder / "k.age", data=folder / "data", now=NOW)
    return Vault(folder / "k.age")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_hostile_bytes_never_crash_it(shared: Vault, blob: bytes) -> None:
    for whole in (
        blob,
        b"age-encryption.org/v1\n" + blob,
        b"age-encryption.org/v1\n-> scrypt AAAA 30\n" + blob,
    ):
        with pytest.raises(VaultError):
            shared.unseal(whole)


@pytest.mark.parametrize("plain", [b"", b"[]", b"7", b"{", b"\xff", b"[" * 100_000])
def test_a_sealed_thing_that_is_no_session_is_refused(key: Path, plain: bytes) -> None:
    from pyrage import encrypt

    identity = x25519.Identity.from_str(key.read_text().splitlines()[-1])
    with pytest.raises(VaultError, match="cannot be read"):
        Vault(key).unseal(encrypt(plain, [identity.to_public()]))


def test_too_much_is_not_sealed(key: Path) -> None:
    with pytest.raises(VaultError, match="too much for one session"):
        Vault(key).seal({"x": "y" * MAX_PLAIN})


def test_an_account_is_known_by_a_hash_that_needs_the_key(key: Path, tmp_path: Path, data: Path) -> None:
    make_key(tmp_path / "two.age", data=data, now=NOW)
    one, two = Vault(key).account_key("grey_heron"), Vault(tmp_path / "two.age").account_key("grey_heron")
    assert re.fullmatch("[0-9a-f]{64}", one)
    assert one == Vault(key).account_key(" grey_heron ")
    assert one != two
    assert one != Vault(key).account_key("Grey_heron")


def test_no_account_has_no_key_and_needs_no_file(tmp_path: Path) -> None:
    assert Vault(tmp_path / "none.age").account_key("") == ""


@pytest.mark.parametrize("name", [" ", "a\nb", "a\x00b", "a\u202eb", "x" * (MAX_NAME + 1)])
def test_a_name_that_cannot_be_is_refused_without_being_shown(key: Path, name: str) -> None:
    with pytest.raises(VaultError, match="1 to 100 characters"):
        Vault(key).account_key(name)


def test_two_at_once_make_one_key(tmp_path: Path, data: Path) -> None:
    code = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path; from crawler.vault import make_key\n"
        "make_key(Path(sys.argv[1]), data=Path(sys.argv[2]), now=datetime(2026, 1, 1, tzinfo=UTC))"
    )
    path = tmp_path / "k.age"
    both = [subprocess.Popen([sys.executable, "-c", code, str(path), str(data)]) for _ in range(2)]
    ends = [process.wait(60) for process in both]
    assert ends == [0, 0]
    Vault(path).check()
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["k.age"]
