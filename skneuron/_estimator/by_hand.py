"""Weights that are given by hand, in place of a fit."""

from itertools import pairwise

import numpy as np

from .._data.targets import Targets


def with_layers(estimator, layers, classes):
    """The estimator, with attributes of layers (W, b) and classes (None: 0, 1, ...).

    ValueError if shapes do not fit each other or the classes, or those are not sorted.
    """
    sizes = [layers[0][0].shape[0], *(weights.shape[-1] for weights, _ in layers)]
    wanted = [(shape, shape[1:]) for shape in pairwise(sizes)]
    found = [(weights.shape, intercepts.shape) for weights, intercepts in layers]
    if found != wanted:
        raise ValueError(
            f"Weights and intercepts must have the shapes {wanted}, got {found}."
        )
    if classes is None:
        classes = np.arange(max(2, sizes[-1]))
    several = isinstance(classes, (list, tuple)) and np.ndim(classes[0]) > 0
    targets = Targets([*map(np.asarray, classes)] if several else np.asarray(classes))
    if not all(np.array_equal(of, np.unique(of)) for of in targets.per_output):
        raise ValueError(f"Classes must differ, and be sorted, got {classes}.")
    if (n_logits := targets.likelihood.n_logits) != sizes[-1]:
        raise ValueError(
            f"The last layer has {sizes[-1]} logits, and the classes {classes} need "
            f"{n_logits}: two classes one, more one each."
        )
    n = sum(W.size + estimator.fit_intercept * b.size for W, b in layers)
    vars(estimator).update(estimator._layer_attributes(layers), n_parameters_=n)
    estimator.n_features_in_, estimator.classes_ = sizes[0], targets.classes
    return estimator
