"""Room for the rows of a batch: as new copies of them, in the same memory."""

import copy

import numpy as np
import pytest
from some_rows import P, batches, draw, every, floats, makes, weightings

from skneuron._model import room as room_module
from skneuron._model import rows as rows_module
from skneuron._model.room import Room


@every
@weightings
@makes
@floats
@pytest.mark.parametrize("block", [None, 1 << 20, 1], ids=str)
def test_take_is_a_new_copy(likelihood, weighting, make, dtype, block, monkeypatch):
    """Standardised on the way, where blocks are given."""
    rows = draw(likelihood, weighting, dtype, make)
    if block and isinstance(rows.X, np.ndarray):
        monkeypatch.setattr(rows_module, "BLOCK_BYTES", block)
        monkeypatch.setattr(room_module, "block_rows", lambda row_bytes: 3)
        rows.centre = np.arange(P, dtype=dtype), 2.0 ** np.arange(P).astype(dtype)
    kept = copy.deepcopy(rows)
    room = Room(rows, 16)
    for at in batches():
        found, (expected,) = room.take(rows, at), rows.take(at).blocks(0)
        assert found.centre is None and found.n_rows == expected.n_rows
        assert found.X.dtype == dtype
        for name in ["X", "codes", "weights"]:
            one, other = getattr(found, name), getattr(expected, name)
            if one is not None:
                assert (one != other).sum() == 0
    for name in ["X", "codes", "weights"]:
        if getattr(rows, name) is not None:
            assert (getattr(rows, name) != getattr(kept, name)).sum() == 0
