#!/usr/bin/env python3
"""Measures tickets.jsonl: class counts, lengths, likeness between rows, and how far plain naive Bayes gets.

The task is of use as an example only if it is neither trivial nor hopeless, and if no row gives another away; this
script prints the figures that README.md quotes. Standard library only.
"""

import collections
import json
import math
import pathlib
import random
import re
import statistics


def words(text):
    return re.findall(r"[a-z0-9']+", text.lower())


def most_alike(rows):
    """For each row the largest Jaccard index between its set of words and another row's: [(index, i, j)]."""
    sets = [set(words(r["text"])) for r in rows]
    best = []
    for i, a in enumerate(sets):
        best.append(max((len(a & b) / len(a | b), i, j) for j, b in enumerate(sets) if j != i))
    return best


def naive_bayes(train, test):
    """Accuracy of a multinomial naive Bayes on words, add-one smoothing."""
    counts = collections.defaultdict(collections.Counter)
    prior = collections.Counter(r["team"] for r in train)
    for r in train:
        counts[r["team"]].update(words(r["text"]))
    size = len({w for c in counts.values() for w in c})
    total = {t: sum(c.values()) for t, c in counts.items()}

    def score(team, text):
        return math.log(prior[team]) + sum(math.log((counts[team][w] + 1) / (total[team] + size)) for w in text)

    hits = sum(max(sorted(prior), key=lambda t: score(t, words(r["text"]))) == r["team"] for r in test)
    return hits / len(test)


def main():
    path = pathlib.Path(__file__).resolve().parent / "tickets.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    teams = collections.Counter(r["team"] for r in rows)
    lengths = sorted(len(r["text"]) for r in rows)
    print(len(rows), "rows;", ", ".join(f"{t} {n} ({100 * n / len(rows):.1f}%)" for t, n in teams.most_common()))
    print(f"characters: min {lengths[0]}, median {lengths[len(rows) // 2]}, max {lengths[-1]}")
    print("different texts:", len({r["text"].lower() for r in rows}))
    best = sorted(most_alike(rows), reverse=True)
    likeness = [b[0] for b in best]
    print(f"largest Jaccard per row: median {statistics.median(likeness):.2f}, 95% {likeness[len(rows) // 20]:.2f}, "
          f"max {likeness[0]:.2f}, rows over 0.5: {sum(x > 0.5 for x in likeness)}")
    for index, i, j in best[:1]:
        print("  most alike:", repr(rows[i]["text"]), "|", repr(rows[j]["text"]))
    for size in (150, 400):
        scores = []
        for seed in range(20):
            shuffled = random.Random(seed).sample(rows, len(rows))
            scores.append(naive_bayes(shuffled[:size], shuffled[size:size + 300]))
        print(f"naive Bayes, {size} train, 300 test, 20 draws: mean {statistics.mean(scores):.3f}, "
              f"from {min(scores):.3f} to {max(scores):.3f}")


if __name__ == "__main__":
    main()
