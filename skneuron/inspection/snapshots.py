"""The earlier moments of a climb: the estimator as it was then."""

import copy

from sklearn.base import clone

#: What an estimator predicts by.
LEARNED = ["coef_", "intercept_", "coefs_", "intercepts_", "classes_", "n_parameters_"]
LEARNED += ["n_features_in_", "feature_names_in_"]


class Snapshots:
    """Keeps an estimator as it is after some of the iterations: a callback.

    Parameters
    ----------
    iterations : iterable of int
        After which to keep it, counted from 1. Those that a fit does not reach are left
        out.

    Attributes
    ----------
    taken : dict of int to estimator
        By the iteration, what the estimator would be had the last fit ended there: it
        predicts, and can be drawn. Its `n_iter_` is the iteration; what else a fit
        says of its climb, such as `log_likelihood_curve_`, the whole fit has alone.

    See Also
    --------
    NetworkDisplay : Draws a snapshot, or the change since.
    animate_climb : Shows many of them, in motion.

    Notes
    -----
    scikit-learn's callbacks are set with ``est.set_callbacks``. What is learned is the
    same with them as without.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from skneuron import GradientAscentLogisticRegression
    >>> from skneuron.inspection import Snapshots
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = scale(X[:, :2])
    >>> snapshots = Snapshots([1, 10, 100])
    >>> clf = GradientAscentLogisticRegression(learning_rate=0.1, tol=0.01)
    >>> clf = clf.set_callbacks(snapshots).fit(X, y)
    >>> {n: then.coef_.round(1).tolist() for n, then in snapshots.taken.items()}
    {1: ...}
    """

    def __init__(self, iterations):
        self.iterations = set(iterations)
        self.taken = {}

    def setup(self, estimator, context):
        self.taken = {}

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        n = context.task_id + 1
        if context.task_name == "iteration" and n in self.iterations:
            model = clone(estimator).set_callbacks()  # which hold all copies so far
            for name in LEARNED:
                if hasattr(fitted_estimator, name):
                    value = copy.deepcopy(getattr(fitted_estimator, name))
                    setattr(model, name, value)
            model.n_iter_ = n
            self.taken[n] = model
