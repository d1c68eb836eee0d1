"""
Categories and numbers in a pipeline
====================================

Tables have columns of words beside columns of numbers. This example predicts late
deliveries from a pandas frame with both: a ``ColumnTransformer`` makes a sparse matrix
of it, which the estimators take as it is. As the data are generated, what is learned of
each depot can be set beside the truth.
"""

# %%
# A table of deliveries
# ---------------------
# 60 depots, of which some are large and many small; the weather; the distance; and the
# time of day, with two rush hours.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler

from skneuron import GradientAscentLogisticRegression

rng = np.random.default_rng(0)
n_rows, n_depots = 6000, 60
depots = np.array([f"depot {i:02d}" for i in range(n_depots)])
of_depot = pd.Series(rng.normal(0, 0.7, n_depots), depots)
of_weather = pd.Series({"dry": 0.0, "rain": 0.6, "snow": 1.5})


def of_hour(hour):
    """Two rush hours, at 8 and at 17."""
    return 1.5 * np.exp(-(((hour - 8) / 1.2) ** 2)) + np.exp(-(((hour - 17) / 2) ** 2))


popularity = np.geomspace(15, 1, n_depots)
table = pd.DataFrame(
    {
        "depot": rng.choice(depots, n_rows, p=popularity / popularity.sum()),
        "weather": rng.choice(of_weather.index, n_rows, p=[0.6, 0.3, 0.1]),
        "distance": rng.gamma(4, 3, n_rows),
        "hour": rng.uniform(6, 20, n_rows),
    }
)
log_odds = (
    -2.2
    + table["depot"].map(of_depot)
    + table["weather"].map(of_weather)
    + 0.06 * table["distance"]
    + of_hour(table["hour"])
)
late = (rng.random(n_rows) < expit(log_odds)).astype(int)
print(table.head(3))

# %%
# The pipeline
# ------------
# A column for each depot and each kind of weather, a spline for the hour, and the
# distance in standard units. The columns of a category sum to one, which is the column
# of the intercept: they are collinear, and the estimator copes with that.


def make_model(C):
    """The preparation of the columns, and a logistic regression."""
    return make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), ["depot", "weather"]),
            (SplineTransformer(8, knots="uniform", sparse_output=True), ["hour"]),
            (StandardScaler(), ["distance"]),
            verbose_feature_names_out=False,
        ),
        GradientAscentLogisticRegression(C=C),
    )


models = {C: make_model(C).fit(table, late) for C in [np.inf, 0.5]}
prepared = models[0.5][:-1].transform(table)
print(
    f"{type(prepared).__name__} of {prepared.shape[0]} x {prepared.shape[1]}, ", end=""
)
print(f"{prepared.nnz / np.prod(prepared.shape):.0%} of it not zero")

# %%
# Sixty depots
# ------------
# The weight of each depot beside the truth, both less their means; a disc's area is the
# number of deliveries, and the error the root of the mean square. Without a penalty,
# the small depots' weights are the farthest from the truth. The penalty of ``C`` is a
# normal prior of variance ``C``, and these effects were drawn with a variance of 0.49.
# It takes the weights of small depots towards the mean, and hardly touches those of
# large ones, which have shown in many deliveries what they are.

size = table["depot"].value_counts()[depots]
true = of_depot - of_depot.mean()
names = list(models[0.5][0].get_feature_names_out())
places = [names.index(f"depot_{depot}") for depot in depots]

fig, axes = plt.subplots(
    1, 2, figsize=(7.5, 4.2), sharex=True, sharey=True, layout="constrained"
)
for ax, (C, model) in zip(axes, models.items(), strict=True):
    learned = model[-1].coef_[0, places]
    learned = learned - learned.mean()
    error = np.sqrt(np.mean((learned - true) ** 2))
    ax.scatter(true, learned, s=size, color="#0072b2", alpha=0.5, edgecolor="white")
    ax.axline((0, 0), slope=1, color="0.3", ls=":")
    ax.set_title(f"C={C:g}: error {error:.2f}")
    ax.set(xlabel="true effect of the depot (log-odds)")
axes[0].set_ylabel("learned effect (log-odds)")
fig.suptitle(
    f"Depots of {size.min()} to {size.max()} deliveries: a penalty steadies the small"
)

# %%
# The day
# -------
# The spline finds both rush hours without being told of them. The depot of these
# deliveries is one that the encoder has not seen: it leaves all depot columns zero,
# which is the mean depot to a model with a penalty.

hours = np.linspace(6, 20, 141)
fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
for weather, color in [("snow", "#cc79a7"), ("rain", "#0072b2"), ("dry", "#e69f00")]:
    day = pd.DataFrame(
        {"depot": "a new one", "weather": weather, "distance": 12.0, "hour": hours}
    )
    learned = models[0.5].predict_proba(day)[:, 1]
    true = expit(
        -2.2 + of_depot.mean() + of_weather[weather] + 0.06 * 12 + of_hour(hours)
    )
    ax.plot(hours, learned, color=color, lw=2, label=weather)
    ax.plot(hours, true, color=color, ls="--", lw=1.2)
ax.plot([], [], color="0.3", ls="--", lw=1.2, label="the truth")
ax.set(
    xlabel="hour of the day",
    ylabel="probability of being late",
    xlim=(6, 20),
    ylim=(0, 1),
)
ax.set_title("A delivery over 12 km: rush hours and snow")
ax.legend(ncols=4, loc="upper right")

plt.show()
