"""Sealed files: whatever size, nothing in plain, and no piece can be changed, moved or cut off."""

import io

import pytest

from apps.vault import streams
from apps.vault.sealing import SealBroken

KEY = bytes(range(32))


def sealed(plain: bytes, name: str = "upload-1") -> bytes:
    blocks = (plain[at : at + 70_001] for at in range(0, len(plain), 70_001))
    return b"".join(streams.sealed_pieces(KEY, name, blocks))


def opened(blob: bytes, name: str = "upload-1") -> bytes:
    with streams.open_stream(KEY, name, io.BytesIO(blob)) as stream:
        return stream.read()


@pytest.mark.parametrize("size", [0, 1, streams.PIECE - 1, streams.PIECE, streams.PIECE + 1, 3 * streams.PIECE])
def test_a_file_of_any_size_comes_back_as_it_was(size: int) -> None:
    plain = (b"Guadalupe," * (size // 10 + 1))[:size]
    blob = sealed(plain)
    assert opened(blob) == plain
    assert b"Guadalupe" not in blob


def test_a_file_cut_at_a_piece_or_within_one_is_noticed() -> None:
    blob = sealed(b"x" * (2 * streams.PIECE + 5))
    whole_piece = 4 + 4 + streams.PIECE + 16
    for cut in (blob[:-1], blob[:whole_piece], blob[: whole_piece + 2], blob[:4]):
        with pytest.raises(SealBroken):
            opened(cut)


def test_an_altered_or_swapped_piece_is_noticed() -> None:
    blob = bytearray(sealed(b"y" * (2 * streams.PIECE + 5)))
    size = 4 + streams.PIECE + 16
    swapped = blob[:4] + blob[4 + size : 4 + 2 * size] + blob[4 : 4 + size] + blob[4 + 2 * size :]
    blob[100] ^= 1
    for wrong in (bytes(blob), bytes(swapped)):
        with pytest.raises(SealBroken):
            opened(wrong)


def test_a_file_does_not_open_under_another_name() -> None:
    with pytest.raises(SealBroken):
        opened(sealed(b"z"), "upload-2")
    with pytest.raises(SealBroken):
        opened(b"plain text")
