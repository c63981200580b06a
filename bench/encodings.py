#!/usr/bin/env python3
"""What the encoding of the embedded model's weights does to answers and to speed.

    bench/encodings.py [--driver build/release/bench/redraft_embedded_driver] [--rows 300] [--repeats 3] [--threads 0]

Answers 300 rows of examples/tickets (an instruction and 8 demonstrations before each, one of six teams by
log-probability) in each encoding, and compares with the file as it comes: labels that flip, the mean absolute difference
of the labels' log-probabilities, accuracy, rows right in one encoding only. All of it once more with calibrated labels
(less each label's mean log-probability over all rows), which lie closer together. Then the speed, each encoding in turn
and the best of the repeats, as ratios to the file: of 60 such rows, which are read, and of 32 texts of 32 tokens, which
are written together. Ratios of one run only: the machine may be busy. Results go to bench/results/encodings.md. Standard
library only.
"""
import argparse
import json
import pathlib
import platform
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench/embedded"))
from workloads import INSTRUCTION, TEAMS, TICKETS, chat  # noqa: E402

ENCODINGS = ["file", "bf16", "f16", "q8_0", "q4_0"]


def ask(args, folder, name, requests, encoding):
    file, answers = folder / f"{name}.jsonl", folder / f"{name}.{encoding}.answers"
    file.write_text("".join(json.dumps(request) + "\n" for request in requests), encoding="utf-8")
    command = [args.driver, args.model, file, f"encoding={encoding}", f"answers={answers}", "context=4096", f"threads={args.threads}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    report = json.loads(done.stdout.strip().splitlines()[-1])
    return report, [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]


def difference(one, other):
    pairs = [(a, b) for x, y in zip(one, other) for a, b in zip(x["logprobs"], y["logprobs"])]
    return sum(abs(a - b) for a, b in pairs) / len(pairs)


def calibrated(answers):
    means = [sum(a["logprobs"][i] for a in answers) / len(answers) for i in range(len(TEAMS))]
    return [TEAMS[max(range(len(TEAMS)), key=lambda i: a["logprobs"][i] - means[i])] for a in answers]


def compared(file, other, rows):
    """Flips, accuracy, and rows gained and lost, as cells of the table."""
    flips = sum(a != b for a, b in zip(file, other))
    right = [(a == row["team"], b == row["team"]) for a, b, row in zip(file, other, rows)]
    gained, lost = sum(b > a for a, b in right), sum(a > b for a, b in right)
    return f"{flips} ({100 * flips / len(rows):.1f} %) | {sum(b for _, b in right) / len(rows):.3f} | +{gained}, -{lost}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--driver", type=pathlib.Path, default=ROOT / "build/release/bench/redraft_embedded_driver")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "bench/results/encodings.md")
    args = parser.parse_args()
    tickets = [json.loads(line) for line in TICKETS.open(encoding="utf-8")]
    random.Random(0).shuffle(tickets)
    demonstrations, rows = tickets[:8], tickets[8:8 + args.rows]
    choices = [{"messages": chat(INSTRUCTION, demonstrations, row["text"]), "choices": TEAMS, "every_logprob": True}
               for row in rows]
    texts = [{"messages": chat("Answer the customer politely in three sentences.", [], row["text"]), "max_tokens": 32}
             for row in rows[:32]]
    answers, ids, read, write = {}, {}, {}, {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for encoding in ENCODINGS:
            report, answers[encoding] = ask(args, folder, "all", choices, encoding)
            ids[encoding] = report["id"]
            print(ids[encoding], f"{report['seconds']:.1f} s", flush=True)
        for _ in range(args.repeats):
            for encoding in ENCODINGS:
                report, _answers = ask(args, folder, "choices", choices[:60], encoding)
                read[encoding] = max(read.get(encoding, 0), 1 / report["seconds"])
                report, _answers = ask(args, folder, "texts", texts, encoding)
                write[encoding] = max(write.get(encoding, 0), report["tokens_out"] / report["seconds"])
                print(encoding, f"{1 / read[encoding]:.2f} s", f"{write[encoding]:.0f} tokens/s", flush=True)
    lines = ["# Encodings of the embedded model's weights", "",
             f"`bench/encodings.py`: {len(rows)} rows of examples/tickets, one of six teams, behind an instruction and 8 "
             f"demonstrations. Speed: 60 of these rows, and 32 texts of 32 tokens written together; the best of {args.repeats}, "
             f"as ratios to the file. {platform.machine()}, model `{ids['file']}`.", "",
             "| encoding | mean difference of log-probabilities | labels that flip | accuracy | rows gained, lost "
             "| calibrated: flips | accuracy | gained, lost | speed, choices | speed, texts |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    labels = {e: [a["text"] for a in answers[e]] for e in ENCODINGS}
    for e in ENCODINGS:
        lines.append(f"| `{e}` | {difference(answers['file'], answers[e]):.3f} | {compared(labels['file'], labels[e], rows)} "
                     f"| {compared(calibrated(answers['file']), calibrated(answers[e]), rows)} "
                     f"| {read[e] / read['file']:.2f} | {write[e] / write['file']:.2f} |")
        print(lines[-1])
    args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
