"""The page that a maximum likelihood estimate's inference is shown on."""

from dataclasses import dataclass
from html import escape
from itertools import starmap

import numpy as np
from scipy.stats import chi2, norm
from sklearn.utils._optional_dependencies import check_pandas_support


def _number(value):
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.4e}"


def probability_text(p):
    """A p-value as it is printed."""
    return f"{p:.4f}" if not p < 1e-4 else "<0.0001"


COLUMNS = ["estimate", "std_error", "z", "p_value", "ci_low", "ci_high"]
#: How the figures of a column are printed, if not as a number.
FORMATS = {"z": "{:.3f}".format, "p_value": probability_text}
#: To which sides the columns of the two kinds of tables are.
FACTS, PARAMETERS = "<><>", "<>>>>>>"
SIDES = {"<": "left", ">": "right"}


def wald_figures(estimate, std_error, confidence):
    """What an estimate and its standard error say, by `COLUMNS`."""
    z = estimate / std_error
    ends = [estimate + end * std_error for end in norm.interval(confidence)]
    return dict(zip(COLUMNS, [estimate, std_error, z, 2 * norm.sf(np.abs(z)), *ends]))


@dataclass(eq=False, repr=False)
class MLESummary:
    """What :func:`skneuron.inference.mle_summary` found; printed, a page of text.

    Parameters run over the features and then the intercept, for two classes once, for
    k classes once for every class but the first, the reference.

    Attributes
    ----------
    names : list of str
        Feature names, and ``"intercept"`` if the estimator has one beside them.
    fit_intercept : bool
        Whether there is one, if only among the features.
    classes : ndarray of shape (n_classes,)
        The first is the reference: estimates are of log-odds of the others against it.
    estimate, std_error : ndarray of shape (n_parameters,)
        The errors of separated parameters, and all that follows from them, are NaN.
    covariance : ndarray of shape (n_parameters, n_parameters)
        Inverse of the observed information, or a robust one.
    n_observations : float
        Total weight of the samples.
    log_likelihood, null_log_likelihood : float
        Of the model, and of that which knows no feature: intercepts alone, or, without
        intercepts, equal probabilities.
    confidence : float
        Of the intervals.
    cov_type : str
        What the covariance is: "nonrobust", "HC0", "HC1" or "cluster".
    penalty : str or None
        "firth", if it is an estimate of that kind. The likelihood-ratio test is then of
        penalised likelihoods; the other figures of fit are of the likelihood itself.
    separated : ndarray of shape (n_parameters,)
        Which parameters have no finite estimate, as the classes separate.
    z, p_value : ndarray of shape (n_parameters,)
        Estimate over standard error, and the two-sided probability of a normal deviate
        that large.
    ci_low, ci_high : ndarray of shape (n_parameters,)
        Confidence limits: ``estimate -+ quantile * std_error``.
    lr_statistic, lr_df, lr_p_value : float, int, float
        Likelihood-ratio test of the model against the null model.
    aic, bic : float
        Akaike's and Schwarz's criteria, smaller is better.
    pseudo_r2 : float
        McFadden's: ``1 - log_likelihood / null_log_likelihood``.
    """

    names: list
    fit_intercept: bool
    classes: np.ndarray
    estimate: np.ndarray
    covariance: np.ndarray
    n_observations: float
    log_likelihood: float
    null_log_likelihood: float
    confidence: float
    lr_statistic: float
    separated: np.ndarray
    penalty: str | None
    cov_type: str = "nonrobust"

    def __post_init__(self):
        n_parameters = len(self.estimate)
        std_error = np.sqrt(self.covariance.diagonal())
        vars(self).update(wald_figures(self.estimate, std_error, self.confidence))
        self.lr_df = n_parameters - self.fit_intercept * (len(self.classes) - 1)
        self.lr_p_value = float(chi2.sf(self.lr_statistic, self.lr_df))
        self.aic = 2 * n_parameters - 2 * self.log_likelihood
        self.bic = n_parameters * np.log(self.n_observations) - 2 * self.log_likelihood
        self.pseudo_r2 = 1 - self.log_likelihood / self.null_log_likelihood

    def to_frame(self):
        """The table of parameters as a pandas DataFrame.

        Returns
        -------
        frame : DataFrame of shape (n_parameters, 6)
            Columns estimate, std_error, z, p_value, ci_low and ci_high. The index holds
            the names; for more than two classes, (class, name).

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        return self.frame_of({c: getattr(self, c) for c in COLUMNS})

    def odds_ratios(self):
        """What the odds are multiplied by when a feature rises by 1, as a DataFrame.

        Returns
        -------
        frame : DataFrame of shape (n_parameters, 4)
            Columns odds_ratio, p_value (of an odds ratio of 1), ci_low and ci_high; of
            the intercept the odds themselves, all features being 0. Rows as in
            :meth:`to_frame`.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        with np.errstate(over="ignore"):
            odds, low, high = np.exp([self.estimate, self.ci_low, self.ci_high])
        columns = {"odds_ratio": odds, "p_value": self.p_value}
        return self.frame_of({**columns, "ci_low": low, "ci_high": high})

    def labels(self):
        """The names of the parameters; for more than two classes, (class, name).

        Returns
        -------
        labels : list of str, or of tuple
        """
        if len(self.classes) == 2:
            return list(self.names)
        return [(label, name) for label in self.classes[1:] for name in self.names]

    def frame_of(self, columns):
        """Figures of the parameters as a DataFrame, its rows as in :meth:`to_frame`.

        Parameters
        ----------
        columns : dict of str to ndarray of shape (n_parameters,)

        Returns
        -------
        frame : DataFrame
        """
        return frame_by_class(columns, self.classes[1:], self.names)

    def _tables(self):
        """The page: of each table the sides, a caption, rows of heads and of texts."""
        other = f"class {self.classes[1]}" if len(self.classes) == 2 else "each class"
        penalty = "" if self.penalty is None else " with Firth's penalty"
        title = f"Logistic regression{penalty}: log-odds of {other}"
        title += f" against class {self.classes[0]}"
        if self.cov_type != "nonrobust":
            title += f"; standard errors {self.cov_type}"
        facts = [
            ("Observations", f"{self.n_observations:.10g}"),
            ("Parameters", str(len(self.estimate))),
            ("Log-likelihood", _number(self.log_likelihood)),
            ("Null log-likelihood", _number(self.null_log_likelihood)),
            (f"Likelihood ratio ({self.lr_df} df)", _number(self.lr_statistic)),
            ("p-value of the ratio", probability_text(self.lr_p_value)),
            ("AIC", _number(self.aic)),
            ("BIC", _number(self.bic)),
            ("Pseudo-R2 (McFadden)", _number(self.pseudo_r2)),
            ("Confidence", f"{100 * self.confidence:.6g}%"),
        ]
        yield FACTS, title, [], np.reshape(facts, (-1, 4)).tolist()
        texts = [[*map(FORMATS.get(c, _number), getattr(self, c))] for c in COLUMNS]
        texts = np.array(texts, dtype=object)
        texts[:, self.separated] = [["separated"], *[["-"]] * (len(COLUMNS) - 1)]
        by_class = np.hsplit(texts, len(self.classes) - 1)
        for label, of_class in zip(self.classes[1:], by_class):
            caption = "" if len(by_class) == 1 else f"class {label}"
            yield PARAMETERS, caption, [("", *COLUMNS)], [*zip(self.names, *of_class)]

    def __str__(self):
        (_, title, _, facts), *tables = self._tables()
        facts = [(*left, f"  {name}", text) for *left, name, text in facts]
        lines = [title, "", *_aligned(FACTS, facts)]
        rows = [row for *_, heads, rows in tables for row in heads + rows]
        texts = np.reshape(_aligned(PARAMETERS, rows), (len(tables), -1))
        for (_, caption, *_), (head, *of_class) in zip(tables, texts):
            lines += ["", *filter(None, [caption]), head, "-" * len(head), *of_class]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self):
        return "".join(starmap(_html, self._tables()))


def frame_by_class(columns, classes, names):
    """Figures of each class's parameters as a DataFrame: by (class, name), or name.

    Parameters
    ----------
    columns : dict of str to ndarray of n_classes * n_names figures
    classes, names : sequences
        Of one class the index leaves it out.
    """
    pd = check_pandas_support("MLESummary.to_frame")
    index = pd.MultiIndex.from_product([classes, names], names=["class", "name"])
    frame = pd.DataFrame({name: np.ravel(of) for name, of in columns.items()}, index)
    return frame if len(classes) > 1 else frame.droplevel(0).rename_axis(None)


def _aligned(sides, rows):
    """Lines of texts, each column of them to one side, "<" or ">"."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    line = "  ".join(f"{{:{side}{width}}}" for side, width in zip(sides, widths))
    return list(starmap(line.format, rows))


def _html(sides, caption, heads, rows):
    """The same as a table of HTML; what is to the left is a head of its row."""
    page = f"<table><caption>{escape(caption)}</caption>"
    for row in [*heads, *rows]:
        page += "<tr>"
        for side, text in zip(sides, row):
            tag = "th" if side == "<" or row in heads else "td"
            style = f"text-align: {SIDES[side]}; padding: 0 0.5em"
            page += f'<{tag} style="{style}">{escape(text)}</{tag}>'
        page += "</tr>"
    return page + "</table>"
