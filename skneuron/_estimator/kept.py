"""Models that were kept, and come back: of which version, and whether whole."""

import warnings

import numpy as np

from .. import __version__
from .._data.targets import Targets
from .predictions import Predictions


class Kept(Predictions):
    """Predictions that can be kept, a mixin: pickle, joblib, skops and copies."""

    def __getstate__(self):
        return {**super().__getstate__(), "_version": __version__}

    def __setstate__(self, state):
        """Take what was kept: a ValueError where it is no fit, a warning if of old."""
        state = self._defaults() | state  # some came later
        name, version = type(self).__name__, state.pop("_version", "0.1.0")
        if version != __version__:
            # What learning goes on from is private: each version has its own.
            had = state.pop("_state", None)
            forgets = ", but forgets what it would go on from" if had else ""
            warnings.warn(
                f"This {name} was kept by skneuron {version}, and here is {__version__}"
                f": it predicts as it did{forgets}.",
                stacklevel=2,
            )
        super().__setstate__(state)
        if "classes_" in state and not self._is_whole():
            raise ValueError(
                f"This is no fitted {name}: its attributes do not fit together, or are "
                "not finite. The file is damaged, or was changed."
            )

    def __copy__(self):
        """As it is, whole or not: callbacks copy it in the midst of a fit."""
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        return twin

    def _is_whole(self):
        """Whether layers lead from the features to the classes, all of them finite."""
        try:
            network, layers = self._fitted_network(np.empty((0, self.n_features_in_)))
            known = np.concatenate([np.ravel(part) for of in layers for part in of])
            whole = known.dtype.kind in "biuf" and np.isfinite(known).all()
            whole &= all(np.shape(b) == W.shape[1:] for W, b in layers)
            n_logits = Targets(self.classes_).likelihood.n_logits
            return bool(whole) and network.sizes[-1] == n_logits
        except (AttributeError, TypeError, ValueError):
            return False
