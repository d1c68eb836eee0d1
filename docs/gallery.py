"""The gallery: its sections, its order, and what its thumbnails show."""

from pathlib import Path

from PIL import Image

#: Examples by section and in order, from the first climb to the tools; which of its
#: figures a thumbnail is cut from, and where: left, top, right and bottom, as shares of
#: the figure. A whole figure is too small to be read there.
GALLERY = {
    "climb": {
        "learning_rates": (1, 0, 0, 1, 0.8),
        "likelihood_hill": (1, 0.03, 0.49, 0.44, 0.94),
        "lockstep_search": (1, 0, 0.17, 1, 1),
    },
    "networks": {
        "hidden_layer": (1, 0.325, 0.5, 0.86, 0.96),
        "passes": (1, 0.04, 0.06, 0.92, 0.47),
        "watch_learning": (1, 0, 0.645, 0.45, 0.925),
        "digit_neurons": (1, 0, 0.08, 0.53, 0.96),
        "sharing_weights": (2, 0, 0.06, 0.56, 1),
        "early_stopping": (1, 0, 0, 1, 0.57),
    },
    "statistics": {
        "standard_errors": (1, 0, 0, 1, 1),
        "separation": (1, 0, 0, 0.515, 0.9),
        "admissions": (1, 0, 0, 0.5, 1),
        "calibration": (1, 0, 0.05, 0.65, 0.5),
    },
    "data": {
        "multilabel": (1, 0.03, 0.5, 0.595, 1),
        "categories": (2, 0, 0, 1, 1),
        "stream": (1, 0, 0, 1, 1),
        "rewards": (1, 0, 0, 1, 1),
    },
    "comparisons": {
        "naive_bayes": (2, 0, 0, 0.87, 1),
        "compare_classifiers": (1, 0, 0, 1, 0.475),
    },
}
EXAMPLES = [f"plot_{name}.py" for section in GALLERY.values() for name in section]


def cut_thumbnails(app):
    """Cut each thumbnail out of its figure, where the figures have been drawn."""
    for section, examples in GALLERY.items():
        images = Path(app.srcdir, "auto_examples", section, "images")
        for name, (number, *box) in examples.items():
            figure = images / f"sphx_glr_plot_{name}_{number:03}.png"
            if not figure.exists():
                continue
            with Image.open(figure) as image:
                corners = [share * size for share, size in zip(box, image.size * 2)]
                thumbnail = image.crop(tuple(map(round, corners)))
            thumbnail.save(images / "thumb" / f"sphx_glr_plot_{name}_thumb.png")
