"""Words that the stubs share. There is no such module when the code runs."""

from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

class Sparse(Protocol):
    """SciPy's sparse matrices and arrays, which are not `ArrayLike`."""

    def tocsr(self) -> Any: ...

Array: TypeAlias = NDArray[Any]
Features: TypeAlias = ArrayLike | Sparse
Labels: TypeAlias = ArrayLike | Sparse
Weights: TypeAlias = ArrayLike | None
ClassWeight: TypeAlias = dict[Any, Any] | list[Any] | Literal["balanced"] | None
RandomState: TypeAlias = int | np.random.RandomState | None

#: An array of NumPy's, but of Dask's or of a device where the features are; of several
#: outputs a list. A union with Any, as those who know which it is need not say so.
Likewise: TypeAlias = Array | Any
