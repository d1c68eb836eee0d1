"""Ten digits as they are drawn by unpractised hands: strokes on a page's pad.

A hand has habits (its own shapes of digits, slant, proportions, size, place), and is
more or less shaky. Some go over their lines again, which makes them thick.
"""

from itertools import pairwise

import numpy as np

#: The shapes of each digit, in percent of its height and width. Strokes are divided by
#: "|", parts of a stroke by "+". Lines and curves go through points x y, y downwards;
#: arcs are of an ellipse: its centre, width and height, start and end of a turn.
SHAPES = """
0 arc 50 50 90 100 -25 78
0 arc 50 50 70 100 -20 -122
1 line 15 30 50 0 50 100
1 line 20 25 50 0 50 100 | line 20 100 80 100
1 line 50 0 50 100
2 curve 5 25 25 2 70 2 90 25 70 55 5 100 + line 5 100 95 100
2 curve 10 20 40 0 80 15 75 50 30 95 8 90 20 75 50 92 95 95
3 curve 10 12 45 0 80 18 70 40 40 48 80 58 90 80 50 100 10 88
3 arc 40 25 80 50 -40 25 + arc 40 75 100 50 -25 40
4 line 25 0 10 55 95 55 | line 75 10 70 100
4 line 70 100 70 0 5 65 98 65
5 line 90 0 25 0 18 42 + curve 18 42 55 36 88 60 70 95 10 95
5 line 20 2 15 45 + curve 15 45 60 38 90 68 60 100 8 90 | line 20 2 90 0
6 curve 75 0 35 25 12 65 30 98 75 95 88 70 60 52 20 68
6 curve 50 0 20 40 10 80 45 100 85 82 65 55 30 60 13 80
7 line 5 2 92 0 35 100
7 line 5 0 90 0 40 100 | line 25 50 85 48
8 curve 80 12 45 0 15 20 50 47 88 75 50 100 12 77 50 47 85 22 75 8
8 arc 50 24 70 48 -25 77 | arc 50 74 90 52 -25 77
9 arc 45 27 80 54 0 -100 + line 85 27 75 100
9 curve 85 15 45 0 12 25 40 50 82 30 88 15 88 65 60 98 15 90
"""


def line(numbers):
    """Straight from point to point."""
    points = numbers.reshape(-1, 2)
    return np.concatenate([np.linspace(a, b, 12) for a, b in pairwise(points)])


def curve(numbers):
    """Smoothly from point to point (Catmull and Rom)."""
    points = numbers.reshape(-1, 2)
    P = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, len(points) - 1 - 1e-9, 40)
    i, u = t.astype(int), (t % 1)[:, None]
    a, b, c, d = P[i], P[i + 1], P[i + 2], P[i + 3]
    bend, twist = 2 * a - 5 * b + 4 * c - d, 3 * b - a - 3 * c + d
    return b + 0.5 * ((c - a) * u + bend * u**2 + twist * u**3)


def arc(numbers):
    """Part of an ellipse, clockwise from the right if the end comes after the start."""
    x, y, width, height, start, end = numbers
    turn = 2 * np.pi * np.linspace(start, end, 24)
    return np.column_stack(
        [x + width / 2 * np.cos(turn), y + height / 2 * np.sin(turn)]
    )


def shapes():
    """For each digit a list of shapes, each a list of strokes, (n_points, 2)."""
    found = {digit: [] for digit in range(10)}
    for row in SHAPES.split("\n")[1:-1]:
        strokes = []
        for stroke in row[2:].split(" | "):
            parts = [part.split() for part in stroke.split(" + ")]
            of = [globals()[name](np.array(at, float) / 100) for name, *at in parts]
            strokes.append(np.concatenate(of))
        found[int(row[0])].append(strokes)
    return found


def drawings(n_hands, seed=0, size=280):
    """Each digit by each hand: (digits, drawings).

    A drawing is a list of strokes, and these are lists of points [x, y] on a pad of
    this size, y downwards.
    """
    rng, digits, found = np.random.RandomState(seed), [], []
    for _ in range(n_hands):
        habits = {digit: of[rng.randint(len(of))] for digit, of in shapes().items()}
        slant, wide = rng.uniform(-0.1, 0.35), rng.uniform(0.55, 0.9)
        big, shaky = rng.uniform(0.3, 0.8), rng.uniform(0, 0.025)
        n_times = rng.choice([1, 1, 2, 3])
        place = rng.uniform(0.5 * big, 1 - 0.5 * big, size=2)
        for digit, habit in habits.items():
            angle = rng.normal(0, 0.06)
            turn = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
            lean = [[wide * rng.uniform(0.9, 1.1), 0], [-slant, 1]]
            strokes = []
            for stroke in [of for of in habit for _ in range(n_times)]:
                points = stroke - 0.5 + (n_times - 1) * rng.normal(0, 0.015, size=2)
                t = np.linspace(0, 1, len(points))[:, None]
                for k in range(1, 5):  # slow errors, and then a tremor
                    phase = rng.uniform(0, 2 * np.pi, size=2)
                    points = points + shaky / k**0.5 * np.sin(np.pi * k * t + phase)
                points = points + rng.normal(0, 0.3 * shaky, size=points.shape)
                points = size * (points @ lean @ turn * big + place)
                strokes.append(np.clip(points, 0, size).round(1).tolist())
            digits.append(digit)
            found.append(strokes)
    return np.array(digits), found
