"""scikit-learn's own checks, with no expected failure.

Left out on purpose: mini-batches smaller than the data and early stopping. There the
check that a weight of two equals a repeated row cannot hold for any estimator, since
repeating a row changes which rows share a batch, and which are held out. Nor a line
through the origin (logistic regression without intercept): a check wants nine in ten
predictions of a class that half of the plane is not on; LogisticRegression without
intercept fails it too.
"""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skneuron import GradientAscentLogisticRegression, SimpleMLPClassifier

LOGISTIC_REGRESSIONS = [
    {},
    {"learning_rate": 0.1, "max_iter": 200},
    {"C": 1.0, "solver": "lbfgs"},
]

NETWORKS = [
    {},
    {"hidden_layer_sizes": (8,), "activation": "relu", "alpha": 0.01},
    {"hidden_layer_sizes": (), "solver": "lbfgs"},
]

SLOW_LOGISTIC_REGRESSIONS = [
    {"solver": "gradient"},
    {"solver": "lbfgs"},
    {"solver": "newton"},
    {"learning_rate": 0.01, "reduction": "sum", "max_iter": 200},
    {"C": 1.0},
    {"class_weight": "balanced"},
    {"warm_start": True},
]

SLOW_NETWORKS = [
    {"hidden_layer_sizes": (8,), "activation": "identity"},
    {"solver": "lbfgs", "activation": "relu"},
    {"hidden_layer_sizes": (6, 4), "activation": "tanh", "learning_rate": 0.02},
    {"hidden_layer_sizes": (8,), "solver": "gradient"},
    {"hidden_layer_sizes": (8,), "solver": "lbfgs", "alpha": 0.1},
    {"solver": "lbfgs"},  # without a penalty: probabilities that underflow
    {"hidden_layer_sizes": (10,), "solver": "lbfgs", "activation": "tanh"},
    {
        "hidden_layer_sizes": (8,),
        "solver": "gradient",
        "learning_rate": 0.2,
        "activation": "tanh",
    },
    {"hidden_layer_sizes": (8,), "class_weight": "balanced", "activation": "tanh"},
    {"hidden_layer_sizes": (8,), "fit_intercept": False},
]


def estimators(logistic_regressions, networks):
    regressions = [
        GradientAscentLogisticRegression(**of) for of in logistic_regressions
    ]
    return regressions + [SimpleMLPClassifier(**of) for of in networks]


# Some checks set max_iter to a handful: stopping early is their own doing.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@parametrize_with_checks(estimators(LOGISTIC_REGRESSIONS, NETWORKS))
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(estimators(SLOW_LOGISTIC_REGRESSIONS, SLOW_NETWORKS))
def test_scikit_learn_checks_of_more(estimator, check):
    check(estimator)
