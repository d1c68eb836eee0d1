"""Two small studies that statistics packages print the same figures of."""

import numpy as np


def endometrial():
    """Grade of 79 endometrial cancers, high or low: NV, PI, EH; quasi-separated by NV.

    Of Heinze & Schemper, "A solution to the problem of separation in logistic
    regression", Statistics in Medicine 21 (2002), by courtesy of E. Asseryanis;
    published with Agresti's *Foundations of Linear and Generalized Linear Models*.
    """
    NV = np.zeros(79, dtype=int)
    NV[[21, 22, 23, 24, 25, 47, 48, 49, 50, 70, 74, 75, 77]] = 1
    HG = np.zeros(79, dtype=int)
    HG[17:27] = HG[43:53] = HG[69:79] = 1
    PI = """13 16 8 34 20 5 17 10 26 17 8 7 20 10 18 16 18 8 29 12 20 38 22 7 25 15 7 28
    11 19 10 10 18 14 21 11 17 25 16 19 15 33 24 48 12 19 2 22 40 5 0 21 15 29 15 12 3
    20 23 12 22 42 15 13 14 19 12 13 10 12 49 6 5 17 11 21 5 19 33"""
    EH = """164 226 314 268 128 231 180 168 156 231 201 189 315 123 127 176 200 264 88
    127 137 97 114 88 91 58 97 150 133 237 182 313 131 192 164 201 188 193 211 129 172
    75 192 184 111 161 118 144 118 93 117 119 106 202 229 233 290 170 141 225 154 197
    175 216 257 137 361 204 217 169 27 184 130 96 101 98 35 102 85"""
    PI, EH = np.array(PI.split(), float), np.array(EH.split(), float) / 100
    return np.column_stack([NV, PI, EH]), HG, ["NV", "PI", "EH"]


def contraceptives():
    """Urinary tract infections of 130 women, and 109 without: logistf's data `sex2`.

    Of Foxman et al., Epidemiology 8 (1997). Six indicators: age, oc, vic, vicl, vis,
    dia; nobody without an infection used the last. For each pattern of them that
    occurs, how many had no infection, and how many had one.
    """
    counts = """000010 1 1  001000 2 14  001010 1 3  001100 8 10  001110 18 12
    001111 0 1  010000 42 44  010001 0 3  010010 1 0  011000 1 15  011001 0 1
    011010 0 2  011100 5 7  011110 6 3  101000 0 2  101010 0 1  101011 0 1  101100 2 1
    101110 4 0  101111 0 1  110000 14 5  110010 1 0  111000 1 3  111110 2 0"""
    counts = counts.split()
    patterns = [[int(digit) for digit in of] for of in counts[::3]]
    times = np.array(counts[1::3] + counts[2::3], int)
    X = np.repeat(np.array(patterns * 2, float), times, axis=0)
    y = np.repeat(np.repeat([0, 1], len(patterns)), times)
    return X, y, ["age", "oc", "vic", "vicl", "vis", "dia"]
