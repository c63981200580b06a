"""The four workloads of the embedded benchmark, made from examples/tickets: lists of raw requests, equal for every engine.

(a) choice    150 rows, an instruction and 8 demonstrations before each, one of six words
(b) text      64 free generations of 64 tokens, half of them behind one shared prefix, half each behind words of its own
(c) search    3 candidates x 100 rows, one word each; the candidates have the first 6 of their 8 demonstrations in common
(d) json      64 tickets to an object of four fields
"""
import json
import pathlib

TICKETS = pathlib.Path(__file__).resolve().parents[2] / "examples/tickets/tickets.jsonl"
TEAMS = ["billing", "shipping", "returns", "technical", "account", "sales"]
INSTRUCTION = "Route the ticket to the right team: " + ", ".join(TEAMS) + "."
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["team", "urgent", "summary", "order"],
    "properties": {
        "team": {"enum": TEAMS},
        "urgent": {"type": "boolean"},
        "summary": {"type": "string", "maxLength": 80},
        "order": {"type": "integer", "minimum": 0, "maximum": 99999},
    },
}


def tickets():
    """The shortest 400, in the order of the file: about 10 to 32 tokens each."""
    rows = [json.loads(line) for line in TICKETS.open(encoding="utf-8")]
    longest = sorted(len(row["text"]) for row in rows)[399]
    return [row for row in rows if len(row["text"]) <= longest][:400]


def chat(system, turns, text):
    messages = [{"role": "system", "content": system}]
    for turn in turns:
        messages += [{"role": "user", "content": turn["text"]}, {"role": "assistant", "content": turn["team"]}]
    return messages + [{"role": "user", "content": text}]


def choice(rows):
    return [{"messages": chat(INSTRUCTION, rows[:8], row["text"]), "choices": TEAMS} for row in rows[8:158]]


def text(rows):
    """Half behind one shared prefix (an instruction with 8 demonstrations), half behind a style sheet of their own."""
    requests = []
    for i in range(64):
        if i % 2 == 0:
            messages = chat("Answer the customer politely in three sentences. " + INSTRUCTION, rows[:8], rows[100 + i]["text"])
        else:
            own = " ".join(row["text"] for row in rows[200 + 4 * (i // 2):204 + 4 * (i // 2)])
            messages = chat(f"Case {i}. The customer wrote before: {own} Answer politely in three sentences.", [], rows[100 + i]["text"])
        requests.append({"messages": messages, "max_tokens": 64})
    return requests


def search(rows):
    requests = []
    for candidate in range(3):
        turns = rows[:6] + rows[10 + 2 * candidate:12 + 2 * candidate]
        requests += [{"messages": chat(INSTRUCTION, turns, row["text"]), "choices": TEAMS} for row in rows[20:120]]
    return requests


def json_fields(rows):
    system = "Read the ticket and fill in the form as JSON: team, urgent, summary, order (its number, or 0)."
    return [{"messages": chat(system, [], row["text"]), "schema": SCHEMA, "max_tokens": 96} for row in rows[:64]]


def many(rows):
    """For the memory that rows take: 250 short texts, each of its own prompt."""
    return [{"messages": chat("Answer politely.", [], row["text"]), "max_tokens": 16} for row in rows[:250]]


def make(folder):
    rows = tickets()
    made = {"choice": choice(rows), "text": text(rows), "search": search(rows), "json": json_fields(rows)}
    for name, requests in made.items():
        with open(folder / f"{name}.jsonl", "w", encoding="utf-8") as file:
            file.writelines(json.dumps(request, ensure_ascii=False) + "\n" for request in requests)
    return made
