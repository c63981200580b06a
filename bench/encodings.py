#!/usr/bin/env python3
"""What the encoding of the embedded model's weights does to answers and to speed.

    bench/encodings.py [--driver build/release/bench/redraft_embedded_driver] [--rows 300] [--repeats 3] [--model embedded]

Answers 300 rows of examples/tickets (an instruction and 8 demonstrations before each, one of six teams by
log-probability) in each encoding, and compares with the file as it comes: labels that flip, the mean absolute difference
of the labels' log-probabilities, accuracy, rows right in one encoding only. Then the speed, each encoding in turn and the
best of the repeats, as ratios to the file: of these rows, which are all prompt, and of 64 texts of 48 tokens, which are
written together. Ratios of one run only: the machine may be busy. Results go to bench/results/encodings.md. Standard
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
TEAMS = ["billing", "shipping", "returns", "technical", "account", "sales"]
INSTRUCTION = "Route the ticket to the right team: " + ", ".join(TEAMS) + "."
ENCODINGS = ["file", "bf16", "f16", "q8_0", "q4_0"]


def chat(system, demonstrations, text):
    messages = [{"role": "system", "content": system}]
    for row in demonstrations:
        messages += [{"role": "user", "content": row["text"]}, {"role": "assistant", "content": row["team"]}]
    return messages + [{"role": "user", "content": text}]


def ask(args, folder, name, requests, encoding):
    file, answers = folder / f"{name}.jsonl", folder / f"{name}.{encoding}.answers"
    file.write_text("".join(json.dumps(request) + "\n" for request in requests), encoding="utf-8")
    command = [args.driver, args.model, file, f"encoding={encoding}", f"answers={answers}", "context=4096"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    report = json.loads(done.stdout.strip().splitlines()[-1])
    return report, [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]


def difference(one, other):
    pairs = [(a, b) for x, y in zip(one, other) for a, b in zip(x["logprobs"], y["logprobs"])]
    return sum(abs(a - b) for a, b in pairs) / len(pairs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--driver", type=pathlib.Path, default=ROOT / "build/release/bench/redraft_embedded_driver")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "bench/results/encodings.md")
    args = parser.parse_args()
    tickets = [json.loads(line) for line in (ROOT / "examples/tickets/tickets.jsonl").open(encoding="utf-8")]
    random.Random(0).shuffle(tickets)
    demonstrations, rows = tickets[:8], tickets[8:8 + args.rows]
    choices = [{"messages": chat(INSTRUCTION, demonstrations, row["text"]), "choices": TEAMS, "every_logprob": True} for row in rows]
    texts = [{"messages": chat("Answer the customer politely in three sentences.", [], row["text"]), "max_tokens": 48}
             for row in rows[:64]]
    labels, read, write, ids = {}, {}, {}, {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for _ in range(args.repeats):
            for encoding in ENCODINGS:
                report, labels[encoding] = ask(args, folder, "choices", choices, encoding)
                ids[encoding] = report["id"]
                read[encoding] = max(read.get(encoding, 0), 1 / report["seconds"])
                report, _answers = ask(args, folder, "texts", texts, encoding)
                write[encoding] = max(write.get(encoding, 0), report["tokens_out"] / report["seconds"])
                print(encoding, f"{1 / read[encoding]:.2f} s", f"{write[encoding]:.0f} tokens/s", flush=True)
    right = {e: [a["text"] == row["team"] for a, row in zip(labels[e], rows)] for e in ENCODINGS}
    lines = ["# Encodings of the embedded model's weights", "",
             f"`bench/encodings.py`: {len(rows)} rows of examples/tickets, one of six teams, behind an instruction and 8 demonstrations; "
             f"{len(texts)} texts of 48 tokens. Speed: best of {args.repeats}, ratios to the file within this run. "
             f"{platform.machine()}, model `{ids['file']}`.", "",
             "| encoding | labels that flip | mean difference of log-probabilities | accuracy | rows gained, lost | speed, choices | speed, texts |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for e in ENCODINGS:
        flips = sum(a["text"] != b["text"] for a, b in zip(labels["file"], labels[e]))
        gained = sum(b and not a for a, b in zip(right["file"], right[e]))
        lost = sum(a and not b for a, b in zip(right["file"], right[e]))
        lines.append(f"| `{e}` | {flips} ({100 * flips / len(rows):.1f} %) | {difference(labels['file'], labels[e]):.4f} "
                     f"| {sum(right[e]) / len(rows):.3f} | +{gained}, -{lost} | {read[e] / read['file']:.2f} | {write[e] / write['file']:.2f} |")
        print(lines[-1])
    args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
