"""
A table of counts: the Berkeley admissions
==========================================

In 1973 the six largest graduate departments of Berkeley admitted 45% of the men who
applied, and 30% of the women. This example fits logistic regressions to the table of
their counts, with the category columns in a pipeline and the counts as
``sample_weight``, and shows why the difference is not what it seems.
"""

# %%
# The table
# ---------
# A row is a group of applicants, and ``count`` says how many they are. The study is
# Bickel, Hammel & O'Connell, *Sex bias in graduate admissions* (Science 187, 1975); the
# counts are those of R's data set ``UCBAdmissions``.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skneuron import GradientAscentLogisticRegression
from skneuron.inference import mle_summary

counts = {  # men admitted and rejected, women admitted and rejected
    "A": (512, 313, 89, 19),
    "B": (353, 207, 17, 8),
    "C": (120, 205, 202, 391),
    "D": (138, 279, 131, 244),
    "E": (53, 138, 94, 299),
    "F": (22, 351, 24, 317),
}
groups = [("man", 1), ("man", 0), ("woman", 1), ("woman", 0)]
table = pd.DataFrame(
    [
        (department, sex, admitted, count)
        for department, of_department in counts.items()
        for (sex, admitted), count in zip(groups, of_department, strict=True)
    ],
    columns=["department", "sex", "admitted", "count"],
)
print(table.head(4))

# %%
# Two models
# ----------
# ``OneHotEncoder`` makes a sparse matrix with a column for each category but the first,
# which is the reference; the estimators take it as it is. Columns that the
# ``ColumnTransformer`` is not told of are dropped. The same model with and without the
# department:


def fit(columns):
    """Fit to these columns of the table; return the table of estimates."""
    pipeline = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(drop="first"), columns), verbose_feature_names_out=False
        ),
        GradientAscentLogisticRegression(),
    )
    weights = table["count"]
    y = table["admitted"]
    pipeline.fit(table, y, gradientascentlogisticregression__sample_weight=weights)
    *preparation, model = pipeline
    return mle_summary(
        model,
        preparation[0].transform(table),
        y,
        sample_weight=weights,
        feature_names=preparation[0].get_feature_names_out(),
    )


alone = fit(["sex"])
together = fit(["sex", "department"])
print(together)

# %%
# Without the department, the odds of a woman's admission are roughly half of a man's.
# With it, they are a little higher than a man's, by no more than chance would have it.

for name, summary in [("sex alone", alone), ("sex and department", together)]:
    row = summary.to_frame().loc["sex_woman"]
    odds = np.exp(row[["estimate", "ci_low", "ci_high"]])
    print(f"{name:19} odds ratio {odds.iloc[0]:.2f}", end=" ")
    print(f"(95% interval {odds.iloc[1]:.2f} to {odds.iloc[2]:.2f})")

# %%
# Why
# ---
# Departments differ in how many they admit, and women applied to those that admit few.
# The bars are the shares admitted; the area of a disc is the share of all men, or of
# all women, who applied there. On the right, the odds ratio of both models, with its
# 95% interval.

by_group = table.pivot_table(
    index=["department", "sex"], columns="admitted", values="count"
)
size = by_group.sum(axis=1)
rate = (by_group[1] / size).unstack()
share = size.unstack() / size.groupby("sex").sum()

fig, (left, right) = plt.subplots(
    1, 2, figsize=(7.5, 3.8), width_ratios=[1.25, 1], layout="constrained"
)
place = np.arange(len(counts))
for sex, color, side in [("man", "#0072b2", -0.2), ("woman", "#d55e00", 0.2)]:
    left.bar(place + side, rate[sex], 0.4, color=color, alpha=0.35)
    left.scatter(
        place + side,
        rate[sex],
        1200 * share[sex],
        color=color,
        label=f"{sex[:-2]}{sex[-2:].replace('an', 'en')}",
        zorder=2,
    )
left.set(
    xticks=place,
    xticklabels=list(counts),
    xlabel="department",
    ylabel="share admitted",
    ylim=(0, 0.92),
    title="Few women applied to A and B",
)
for marker in left.legend(
    title="area: share of applications", loc="upper right"
).legend_handles:
    marker.set_sizes([60])

for height, (summary, color) in enumerate([(together, "#009e73"), (alone, "#cc79a7")]):
    row = np.exp(summary.to_frame().loc["sex_woman"])
    right.plot(row[["ci_low", "ci_high"]], [height, height], color=color, lw=3)
    right.plot(row["estimate"], height, "o", color=color, ms=9)
    right.annotate(
        f"{row['estimate']:.2f}",
        (row["estimate"], height),
        (0, 10),
        textcoords="offset points",
        ha="center",
    )
right.axvline(1, color="0.5", ls=":")
right.set(
    xscale="log",
    xticks=[0.5, 0.7, 1, 1.4],
    xticklabels=["0.5", "0.7", "1", "1.4"],
    yticks=[0, 1],
    yticklabels=["sex and\ndepartment", "sex alone"],
    ylim=(-0.5, 1.5),
    xlabel="odds ratio, women to men",
    title="The difference is gone",
)
right.minorticks_off()

plt.show()
