#!/usr/bin/env python3
"""The embedded model beside llama-server and llama-bench, on the same file and machine, in one run.

    bench/embedded/measure.py [--quick] [--out bench/results]        (./dev bench-embedded builds what it needs)

Each workload of workloads.py is answered by redraft (in process, with its defaults), by llama-server on the file as it
comes, by llama-server on the same weights in the encoding that redraft chose (where that is the file's own: in BF16 if
the processor multiplies it, else in F16), and by redraft in the one of these two that it did not choose; first on an idle
machine, then with one core held by another process. llama-server: 4 slots, prompt cache on, flash attention, as many
threads as cores; 8 clients keep its slots full; choices are a grammar, the JSON of four fields its own json_schema. Rows
per second count from the first request to the last answer, loading left out. llama-bench's rates are those of one prompt
by llama.cpp's own kernels.
"""
import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

import workloads
from plot import bars

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "build/deps/llama_tools/bin"
DRIVER = ROOT / "build/release/bench/redraft_embedded_driver"
CORES = len(os.sched_getaffinity(0))
NAMES = {"choice": "(a) choice, 150 rows", "text": "(b) text, 64 x 64 tokens", "search": "(c) 3 candidates x 100 rows",
         "json": "(d) JSON of four fields, 64"}


def redraft(path, settings=()):
    done = subprocess.run([DRIVER, "embedded", path, *settings], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def processor():
    lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    flags = next((line for line in lines if line.startswith("flags")), "").split()
    return ", ".join([name] + [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags])


def peak_mb(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
    return 0


@contextlib.contextmanager
def server(model):
    port = 18000 + os.getpid() % 1000
    process = subprocess.Popen([TOOLS / "llama-server", "-m", model, "--port", str(port), "-np", "4", "-c", "16384", "-t",
                                str(CORES), "-fa", "on", "-b", "512", "-ub", "512"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(url + "/health", timeout=1).read()
                break
            except OSError:
                time.sleep(0.1)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()


def ask(url, request):
    body = {"messages": request["messages"], "temperature": 0, "cache_prompt": True, "max_tokens": request.get("max_tokens", 16)}
    if "choices" in request:
        body["grammar"] = "root ::= " + " | ".join(json.dumps(choice) for choice in request["choices"])
    if "schema" in request:
        body["response_format"] = {"type": "json_schema", "json_schema": {"schema": request["schema"]}}
    post = urllib.request.Request(url + "/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(post, timeout=600))


def llama_server(model, requests):
    with server(model) as (url, pid), concurrent.futures.ThreadPoolExecutor(8) as clients:
        ask(url, {"messages": [{"role": "user", "content": "Hello."}], "max_tokens": 4})
        started = time.time()
        answers = list(clients.map(lambda request: ask(url, request), requests))
        seconds = time.time() - started
        computed = sum(a["timings"]["prompt_n"] + a["timings"]["predicted_n"] - 1 for a in answers)
        return {"rows_per_second": len(requests) / seconds, "computed": computed, "peak_mb": peak_mb(pid),
                "tokens_out": sum(a["usage"]["completion_tokens"] for a in answers)}


def llama_bench(model):
    done = subprocess.run([TOOLS / "llama-bench", "-m", model, "-p", "512", "-n", "64", "-t", str(CORES), "-fa", "1", "-r", "3",
                           "-o", "json"], capture_output=True, text=True, check=True)
    return {("prefill" if run["n_prompt"] else "generated"): run["avg_ts"] for run in json.loads(done.stdout)}


@contextlib.contextmanager
def held_core(held):
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if held else None
    try:
        yield
    finally:
        if process:
            process.kill()
            process.wait()


def measure(folder, made, model, encoded, other, repeats):
    results = {}
    for name, requests in made.items():
        runs = results[name] = {"redraft": [], "file": [], "encoded": [], "other": []}
        for _ in range(repeats):  # in turn, so that a slow minute of the machine meets all of them
            runs["redraft"].append(redraft(folder / f"{name}.jsonl"))
            runs["file"].append(llama_server(model, requests))
            runs["encoded"].append(llama_server(encoded, requests))
            runs["other"].append(redraft(folder / f"{name}.jsonl", [f"encoding={other}", "count=false"]))
        for engine, values in runs.items():
            runs[engine] = sorted(values, key=lambda value: value["rows_per_second"])[len(values) // 2]
        print(name, {engine: round(value["rows_per_second"], 1) for engine, value in runs.items()}, file=sys.stderr)
    return results


def memory_and_start(folder, rows):
    """Resident memory while so many rows write at once, and the wall time of a process that answers one request."""
    (folder / "many.jsonl").write_text("".join(json.dumps(request) + "\n" for request in rows), encoding="utf-8")
    (folder / "one.jsonl").write_text(json.dumps(rows[0]) + "\n", encoding="utf-8")
    peaks = {count: redraft(folder / "many.jsonl", [f"rows={count}"])["peak_mb"] for count in (1, 64, 250)}
    seconds = []
    for _ in range(5):
        started = time.time()
        redraft(folder / "one.jsonl", ["count=false"])
        seconds.append(time.time() - started)
    return peaks, sorted(seconds)[len(seconds) // 2]


def table(results, distinct, other):
    lines = ["| workload | engine | rows/s | redraft is | tokens computed | computed/distinct | peak MB |", "|---|---|---:|---:|---:|---:|---:|"]
    labels = {"redraft": "redraft", "file": "llama-server, file", "encoded": "llama-server, re-encoded",
              "other": f"redraft, {other}"}
    for name, runs in results.items():
        ours = runs["redraft"]["rows_per_second"]
        for engine, run in runs.items():
            ratio = "" if engine == "redraft" else f"{ours / run['rows_per_second']:.2f} x"
            share = run["computed"] / distinct[name] if "redraft" in labels[engine] or name in ("choice", "search") else float("nan")
            lines.append(f"| {NAMES[name]} | {labels[engine]} | {run['rows_per_second']:.1f} | {ratio} | {run['computed']} | "
                         f"{'' if share != share else f'{share:.3f}'} | {run['peak_mb']} |")
    return "\n".join(lines)


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--out", type=pathlib.Path, default=ROOT / "bench/results")
    flags.add_argument("--quick", action="store_true", help="each once, not three times in turn")
    given = flags.parse_args()
    repeats = 1 if given.quick else 3
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        made = workloads.make(folder)
        first = redraft(folder / "choice.jsonl")
        model = pathlib.Path(first["path"])
        chosen = next((name for name in ("bf16", "f16", "q8_0", "q4_0") if f":{name}" in first["id"]), "file")
        encoding = chosen if chosen != "file" else "bf16" if "avx512_bf16" in processor() else "f16"
        other = encoding if chosen == "file" else "file"
        encoded = folder / "encoded.gguf"
        subprocess.run([TOOLS / "llama-quantize", "--allow-requantize", model, encoded, encoding], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        text = [f"# The embedded engine beside llama-server\n\n`./dev bench-embedded`: {CORES} cores, "
                f"{model.name}, redraft chose the encoding {chosen}, llama-server's other one is {encoding}; {processor()}. {__doc__.split(chr(10) * 2, 2)[2].strip()} "
                f"Each figure is {'from one run' if repeats == 1 else f'the median of {repeats} runs in turn'}.\n"]
        plots = {}
        for condition in ("idle", "one core held"):
            with held_core(condition != "idle"):
                rates = {"file": llama_bench(model), encoding: llama_bench(encoded)}
                results = measure(folder, made, model, encoded, other, repeats)
                after = llama_bench(encoded)
            bench = max(rates["file"]["prefill"], (rates[encoding]["prefill"] + after["prefill"]) / 2)
            ours = results["choice"]["redraft"]
            distinct = {name: runs["redraft"]["distinct"] for name, runs in results.items()}
            text += [f"## {condition}\n", table(results, distinct, other), "",
                     "llama-bench, tokens/s (prefill of 512, generated): " +
                     "; ".join(f"{name} {rate['prefill']:.0f}, {rate['generated']:.0f}" for name, rate in rates.items()) +
                     f"; {encoding} again afterwards {after['prefill']:.0f}, {after['generated']:.0f}.",
                     f"redraft computes {ours['tokens_per_second']:.0f} distinct tokens/s on (a): "
                     f"{ours['tokens_per_second'] / bench:.0%} of llama-bench's better prefill rate.\n"]
            plots[condition] = {NAMES[name]: {engine: run["rows_per_second"] for engine, run in runs.items()}
                                for name, runs in results.items()}
        peaks, start = memory_and_start(folder, workloads.many(workloads.tickets()))
        text += ["## Memory and start\n", "Most resident memory, 250 requests for a text: " +
                 ", ".join(f"{peak} MB with {count} rows at once" for count, peak in peaks.items()) +
                 f" (`rows`). A process that answers one request takes {start:.2f} s from its start to its end.\n"]
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "embedded.md").write_text("\n".join(text) + "\n![rows per second](embedded.svg)\n", encoding="utf-8")
        (given.out / "embedded.svg").write_text(bars(plots, "rows per second"), encoding="utf-8")


if __name__ == "__main__":
    main()
