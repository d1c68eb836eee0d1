"""
A search over learning rates, in lockstep
=========================================

:class:`~skneuron.model_selection.LockstepSearchCV` stands in for scikit-learn's
``GridSearchCV``. The rows of a fold are taken out and read once for all candidates,
which climb side by side: a pass over the rows answers what all of them ask, and each
takes the very steps that it takes alone. The scores are the same. This example searches
a grid of learning rates with both, and draws what came of each rate.
"""

# %%
# The search
# ----------
# 13 rates and 5 folds are 65 fits of 100 iterations each. Most of them end before the
# top, some because their rate is too small and some because it is too large. The scores
# will tell; the warnings are left out here.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import scale

from skneuron import GradientAscentLogisticRegression
from skneuron.inspection import LearningRateDisplay
from skneuron.model_selection import LockstepSearchCV

X, y = make_classification(
    4000, 40, n_informative=20, n_redundant=5, class_sep=1.5, random_state=0
)
X = scale(X)

estimator = GradientAscentLogisticRegression(max_iter=100)
grid = {"learning_rate": np.geomspace(0.001, 10, 13).round(4)}
searches = {}
for search in [
    LockstepSearchCV(estimator, grid, scoring="neg_log_loss"),
    GridSearchCV(estimator, grid, scoring="neg_log_loss"),
]:
    name = type(search).__name__
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        searches[name] = search.fit(X, y)

# %%
# The same scores
# ---------------
# How much sooner they are there, on data large enough to feel it, is measured at
# :ref:`benchmarks-search`.

lockstep, grid_search = searches.values()
difference = np.max(
    np.abs(
        lockstep.cv_results_["mean_test_score"]
        - grid_search.cv_results_["mean_test_score"]
    )
)
print(f"largest difference of mean scores: {difference:g}")

# %%
# What came of each rate
# ----------------------
# :class:`~skneuron.inspection.LearningRateDisplay` draws the scores with their
# deviation over the folds and, on the right axis, how high the training rows'
# log-likelihood had climbed after 100 iterations. Given the data, it marks the largest
# rate at which no step can lower the log-likelihood.

fig, ax = plt.subplots(figsize=(7.2, 4.6), layout="constrained")
display = LearningRateDisplay.from_search(lockstep, X=X, y=y, ax=ax)
fig.suptitle("Small rates are not done after 100 iterations; the largest falls back")

# %%
# Rates from about 0.5 to 5 are as good as one another: where the climb arrives, the
# rate makes no difference to the model. Below them, the climb is right but not done,
# and more iterations would do. The stable limit is a promise, not a cliff: twice the
# limit still arrives here, and at almost five times as much the steps begin to throw
# the weights about, which more iterations would not mend.

plt.show()
