"""What a build says of itself."""

from skneuron import _kernels


def test_a_core_says_what_it_was_built_with():
    assert (_kernels.compiled_with() is not None) == _kernels.available()
