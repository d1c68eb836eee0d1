"""What is learned from: read, checked, and laid out as rows that give blocks and sums.

In memory, in files, on devices, on the workers of a cluster.
"""
# ruff: noqa: F401 (what other rooms use)

from .files import OnDemand
from .moments import column_moments, measured
from .reading import FLOATS, canonical, check_data, check_features, check_labels
from .rows import Rows, ends, take_rows
from .targets import Targets
