#!/usr/bin/env python3
"""Real classification tasks with the embedded default model: what a search finds, and what it costs.

    bench/classify.py DATA [--redraft build/release/redraft] [--calls 1500] [--seeds 0,1,2] [trec subj ...]

DATA is a folder with one folder per task, each with train.jsonl, val.jsonl and test.jsonl of {"text", "label"}. The
data sets are not part of this repository. For each task and seed it runs `redraft optimize` on a fresh run file and
keeps what the artefact says. Beside it: the seed prompt with batch calibration alone, and a multinomial naive Bayes
(bag of words, add-one smoothing) trained on the same train rows: a small model is no match for it, and the table says
so. Results go to bench/results/classify.md, whatever they are. Standard library only.
"""
import argparse
import collections
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile
import time

SEEDS_OF_TASKS = {  # a plain instruction, as somebody would write it who has not looked at the rows
    "trec": "Classify the question by the type of answer it asks for.",
    "subj": "Decide whether the sentence is subjective or objective.",
}


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def words_of(text):
    return re.findall(r"\w+", text.lower())


def naive_bayes(train, test):
    counts, totals, rows = collections.defaultdict(collections.Counter), collections.Counter(), collections.Counter()
    vocabulary = set()
    for row in train:
        rows[row["label"]] += 1
        for word in words_of(row["text"]):
            counts[row["label"]][word] += 1
            totals[row["label"]] += 1
            vocabulary.add(word)

    def score(label, text):
        value = math.log(rows[label] / len(train))
        for word in words_of(text):
            value += math.log((counts[label][word] + 1) / (totals[label] + len(vocabulary)))
        return value

    right = sum(max(sorted(rows), key=lambda label: score(label, row["text"])) == row["label"] for row in test)
    return right / len(test)


def task_file(folder, data, instruction, calls, calibrate):
    labels = sorted({row["label"] for row in rows_of(data / "train.jsonl")})
    text = f"""name = "{data.name}"
[data]
train = "{data / 'train.jsonl'}"
val = "{data / 'val.jsonl'}"
test = "{data / 'test.jsonl'}"
inputs = ["text"]
labels = ["label"]
[program]
instruction = {json.dumps(instruction)}
output = {{ label = {json.dumps(labels)} }}
demos = 12
calibrate = "{calibrate}"
[metric]
name = "exact_match"
[optimizer]
name = "demo_search"
[budget]
calls = {calls}
"""
    path = folder / f"{data.name}.{calibrate}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


def interval(estimate):
    return f"{estimate['mean']:.3f} [{estimate['ci95'][0]:.3f}, {estimate['ci95'][1]:.3f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("tasks", nargs="*", default=["trec", "subj"])
    parser.add_argument("--redraft", default="build/release/redraft")
    parser.add_argument("--calls", type=int, default=1500)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("bench/results/classify.md"))
    args = parser.parse_args()
    lines = [f"# Classification with the embedded default model, at most {args.calls} calls", "",
             "`bench/classify.py DATA`. Test rows are sealed; intervals are 95 %. trec: Li and Roth 2002; subj: Pang and Lee 2004.", "",
             "| task | optimizer's seed | seed prompt | best | difference | p | shipped | seconds | calls | tokens in | tokens computed |",
             "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    beside = ["", "| task | seed prompt, calibrated alone | naive Bayes on the same train rows |", "| --- | --- | --- |"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for name in args.tasks:
            data = (args.data / name).resolve()
            instruction = SEEDS_OF_TASKS.get(name, "Answer the question.")
            task = task_file(folder, data, instruction, args.calls, "none")
            for seed in args.seeds.split(","):
                out = folder / f"{name}.{seed}.json"
                started = time.monotonic()
                run([args.redraft, "optimize", task, "--seed", seed, "--run", folder / f"{name}.{seed}.db", "--out", out])
                seconds = time.monotonic() - started
                artefact = json.loads(out.read_text(encoding="utf-8"))
                scores, spent = artefact["scores"], artefact["spent"]
                lines.append(f"| {name} | {seed} | {interval(scores['seed'])} | {interval(scores['best'])} "
                             f"| {interval(scores['difference'])} | {scores['difference']['p']:.2g} | {artefact['shipped']} "
                             f"| {seconds:.0f} | {spent['calls']} | {spent['tokens_in']} | {artefact['run']['tokens_computed']} |")
                print(lines[-1], flush=True)
            calibrated = run([args.redraft, "eval", task_file(folder, data, instruction, args.calls, "batch"), "--split", "test"])
            mean = re.search(r"^mean (\S+ \[.*\])", calibrated, re.MULTILINE)
            bayes = naive_bayes(rows_of(data / "train.jsonl"), rows_of(data / "test.jsonl"))
            beside.append(f"| {name} | {mean.group(1)} | {bayes:.3f} |")
            print(beside[-1], flush=True)
    args.out.write_text("\n".join(lines + beside) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
