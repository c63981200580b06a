#!/usr/bin/env python3
"""Writes tickets.jsonl, the data of the example task: support tickets of a made-up online shop.

The sentences were written by hand and lie in banks/: one file per team, one block per situation, one line per way of
telling it. Every line becomes exactly one ticket, so that no two tickets are the same text with a word changed, and a
train row never gives a test row away. This script only dresses the lines: it fills in products, dates and numbers, adds
at times a subject, a greeting, a plea, a remark in another team's words, a closing, and typos. Same seed, same file.

    python3 make_tickets.py            write tickets.jsonl beside this script
    python3 make_tickets.py --check    compare the file with what would be written; exit 1 if they differ
"""

import json
import pathlib
import random
import re
import sys

SEED = 20
HERE = pathlib.Path(__file__).resolve().parent
TEAMS = ["shipping", "billing", "returns", "technical", "account", "sales"]
MAX_LENGTH = 400
MIN_LENGTH = 55

PORTABLE = ["Fjell headset", "Tarn speaker", "Kestrel e-reader", "Vela fitness watch", "bluetooth keyboard"]
WIFI = ["Brisk robot vacuum", "doorbell camera", "Lumo smart lamp", "Moss air sensor", "baby monitor"]
WET = ["Halden kettle", "Korva coffee machine", "espresso machine", "steam iron"]
DISPLAY = ["Korva coffee machine", "Morrow rice cooker", "bread maker", "air fryer", "mini oven"]
SLOTS = {
    "portable": PORTABLE,
    "wifi": WIFI,
    "gadget": PORTABLE + WIFI,
    "wet": WET,
    "display": DISPLAY,
    "appliance": sorted(set(WET + DISPLAY)) + ["Sorrel blender", "waffle iron"],
    "garment": ["rain jacket", "wool jumper", "Skarv fleece", "linen shirt", "winter coat", "Heron softshell",
                "cardigan", "dressing gown"],
    "furniture": ["Birk desk", "armchair", "bookshelf", "standing desk", "Sund sofa", "side table", "bed frame",
                  "chest of drawers", "Alma cupboard"],
    "item": ["backpack", "tent", "cast iron pan", "reading lamp", "knife set", "suitcase", "duvet set", "sleeping bag",
             "wall clock", "wok", "camping stove", "bath mat", "teapot"],
    "carrier": ["ParcelHop", "QuickVan", "PostLane", "the courier", "the carrier"],
    "city": ["Leeds", "Ghent", "Graz", "Odense", "Cork", "Turku", "Bristol", "Lyon", "Utrecht", "Brno", "Malmo",
             "Porto"],
    "name": ["Marta Novak", "J. Keller", "Petersen", "Ilse Brandt", "Tom Avery", "R. Okafor", "Lindqvist",
             "Mrs Daly"],
    "day": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"],
    "month": ["October", "November", "December", "January"],
    "n": ["four", "five", "six", "8", "5", "seven", "nine", "6", "ten"],
    "n_big": ["38", "61", "74", "90"],
}
GREETINGS = ["Hi,", "Hello,", "Hello,", "Good morning,", "Good afternoon,", "Dear Sir or Madam,", "Dear team,",
             "Hi there,", "Hi team,", "Hey,", "To whom it may concern,", "Good evening,", "Dear customer service,"]
OPENINGS = ["I hope you can help me.", "Second mail in a week about this.", "Short question.", "I'm a bit lost here.",
            "I've been on hold for half an hour, so now by mail.", "Sorry to bother you.", "I need some help please.",
            "I already wrote to you on {date}.", "This is my third attempt to reach someone.", "Again me.",
            "I don't know if I'm right here.", "It's a bit complicated.", "You were kind last time, so I try again."]
CLOSINGS = ["Thanks", "Thank you!", "Thanks in advance.", "Kind regards, {name}", "Regards, {name}", "Best, {name}",
            "Please advise.", "Please answer soon.", "I look forward to your reply.", "Many thanks for your help.",
            "Best wishes from {city}", "What now?", "What can be done?", "Please call me back.", "Cheers",
            "I expect an answer by {day}.", "Thank you for your patience with me.", "Have a nice day."]
ANGRY_CLOSINGS = ["Not good enough.", "I'm really fed up.", "Never again!", "I'll tell everyone about this.",
                  "Sort it out.", "My patience is at an end.", "Unbelievable."]
SHORT_TAILS = ["thx", "pls answer", "urgent", "anyone there?", "sent from my phone", "hello??"]
COMMON_TYPOS = {"receive": "recieve", "received": "recieved", "address": "adress", "because": "becuase",
                "which": "wich", "their": "thier", "until": "untill", "with": "wiht", "have": "hvae",
                "payment": "paymnet", "parcel": "parcell", "account": "acount", "delivery": "delivrey",
                "return": "retrun", "order": "oder", "would": "woud", "again": "agian", "please": "pleas",
                "don't": "dont", "can't": "cant", "it's": "its", "I'm": "Im"}


SUBJECT_SHARE, REQUEST_SHARE, ASIDE_SHARE = 0.50, 0.56, 0.16


class Supply:
    """Hands out the lines of a list in random order; none comes again before all have been out."""

    def __init__(self, rng, lines):
        self.rng, self.lines, self.left = rng, lines, []

    def next(self):
        if not self.left:
            self.left = self.rng.sample(self.lines, len(self.lines))
        return self.left.pop()


def read_bank(name):
    """The lines of a bank with the heading of each line's block: [(heading, line)]."""
    lines, heading = [], ""
    for line in (HERE / "banks" / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line[1:].strip()
        elif line.strip():
            lines.append((heading, line.strip()))
    return lines


def one_value(rng, slot):
    if slot == "order_raw":
        return str(rng.randint(31000, 98999))
    if slot == "order":
        return rng.choice(["order {}", "order #{}", "order no. {}", "order {}", "my order {}"]).format(
            rng.randint(31000, 98999))
    if slot == "amount":
        euros, cents = rng.randint(12, 240), rng.choice(["90", "95", "50", "00", "99"])
        return rng.choice([f"{euros}.{cents} euro", f"€{euros}.{cents}", f"{euros},{cents} €", f"{euros} euro"])
    if slot == "date":
        day, month = rng.randint(2, 27), rng.choice(["February", "March", "April"])
        return rng.choice([f"{day} {month}", f"{month} {day}", f"the {day}th of {month}" if day in range(4, 21)
                           else f"{day} {month}", f"{day} {month[:3]}"])
    return rng.choice(SLOTS[slot])


def fill(rng, template, values):
    """Puts values into the slots. A slot used twice means the same thing twice: what `values` holds is used again."""
    def put(match):
        article, slot = match.group(1) or "", match.group(2)
        value = values.setdefault(slot, one_value(rng, slot))
        if re.fullmatch(r"[Aa] ", article) and value[0].lower() in "aeiou":
            article = article[0] + "n "
        if article and value.startswith("my order"):
            value = value[3:]
        before = template[:match.start()]
        if not article and (not before or re.search(r"[.?!] $", before)):
            value = value[0].upper() + value[1:]
        return article + value
    return re.sub(r"((?:\b[Aa]|\b[Tt]he|\b[Mm]y|\b[Yy]our) )?\{(\w+)\}", put, template)


def fill_apart(rng, template, values):
    """Like fill, but about somebody or something else: no name, place, product or date that the ticket has already."""
    while True:
        fresh = {slot: value for slot, value in values.items() if slot in ("amount", "carrier")}
        text = fill(rng, template, fresh)
        if not any(value in values.values() for slot, value in fresh.items() if slot not in ("amount", "carrier")):
            return text


def with_typos(rng, text, count):
    words = text.split(" ")
    places = [i for i, w in enumerate(words)
              if (w.isalpha() and w.islower() and len(w) > 4) or (w in COMMON_TYPOS and rng.random() < 0.4)]
    for i in rng.sample(places, min(count, len(places))):
        word = words[i]
        if word in COMMON_TYPOS:
            words[i] = COMMON_TYPOS[word]
            continue
        at = rng.randint(1, len(word) - 3)
        words[i] = rng.choice([word[:at] + word[at + 1] + word[at] + word[at + 2:],   # two letters swapped
                               word[:at] + word[at + 1:],                             # one left out
                               word[:at] + word[at] + word[at:]])                     # one doubled
    return " ".join(words)


def dress_terse(rng, core, aside, values):
    """A line that begins in lower case was typed in a hurry: at most a remark or a few words more."""
    if rng.random() < 0.12:
        remark = fill_apart(rng, aside.next(), values)
        return core.rstrip(".") + ". " + remark[0].lower() + remark[1:].rstrip(".")
    if rng.random() < 0.35 or len(core) < MIN_LENGTH:
        joint = "" if core[-1] in ".?!" else rng.choice([",", ".", " -"])
        return core + joint + " " + fill_apart(rng, rng.choice(SHORT_TAILS), values)
    return core


def dress_full(rng, line, core, extras, values):
    """Parts in the order of a real mail, each with its own chance; the least needed go when it gets too long."""
    greets = re.match(r"(Hello|Good|Dear|Bonjour|Sirs|Excuse)\b", line)
    wordy = rng.random() < 0.12
    head = rng.choice(GREETINGS) if not greets and (wordy or rng.random() < 0.37) else ""
    subject = request = remark = tail = ""
    if extras["subject"] and rng.random() < SUBJECT_SHARE:
        subject = fill(rng, extras["subject"].next(), values).replace("my order", "order")
        subject += "" if subject[-1] in "?!." and not head else rng.choice([":", " -"])
        subject = subject.replace("?:", "?").replace("? -", "?")
    elif wordy or rng.random() < 0.12:
        head = (head + " " + fill_apart(rng, rng.choice(OPENINGS), values)).strip()
    if extras["request"] and (len(core) < MIN_LENGTH or rng.random() < REQUEST_SHARE):
        request = fill(rng, extras["request"].next(), values)
    if wordy or (not request and rng.random() < 0.30):
        angry = "!" in line or "??" in line
        tail = fill_apart(rng, rng.choice(ANGRY_CLOSINGS if angry and rng.random() < 0.6 else CLOSINGS), values)
    if wordy or rng.random() < ASIDE_SHARE:
        remark = fill_apart(rng, extras["aside"].next(), values)
    body = [remark, core, request] if rng.random() < 0.3 else [core, remark, request]
    if head and head[-1] == "," and rng.random() < 0.6:
        first = next(i for i, part in enumerate(body) if part)
        body[first] = re.sub(r"^(The|My|Your|A|We|You|It|Is|Do|Can|Does|Please|Where|How|What|Why|There|Our)\b",
                             lambda m: m.group().lower(), body[first])
    parts = [subject, head] + body + [tail]
    for spare in (tail, remark, subject):
        if len(" ".join(p for p in parts if p)) > MAX_LENGTH and spare:
            parts.remove(spare)
    return " ".join(p for p in parts if p)


def dress(rng, line, extras):
    """One ticket out of one hand-written line."""
    values = {}
    core = fill(rng, line, values)
    if line[0].islower():
        text = dress_terse(rng, core, extras["aside"], values)
    else:
        text = dress_full(rng, line, core, extras, values)
    roll = rng.random()
    if roll < 0.07:
        text = text.lower()
    elif roll < 0.10:
        text = text.rstrip(".")
    elif roll < 0.115 and "!" in line:
        text = text.upper()
    if rng.random() < 0.18:
        text = with_typos(rng, text, rng.randint(1, 3))
    return text


def make_rows():
    rng = random.Random(SEED)
    asides = [(heading.split(), line) for heading, line in read_bank("asides.txt")]
    subjects, requests = read_bank("subjects.txt"), read_bank("requests.txt")

    def supply(bank, heading):
        lines = [line for h, line in bank if h == heading]
        return Supply(rng, lines) if lines else None

    rows = []
    for team in TEAMS:
        # A remark uses another team's words; those about one's own order fit only tickets that are about an order.
        other = [(kind, line) for (topic, kind), line in asides if topic != team]
        anywhere = Supply(rng, [line for kind, line in other if kind == "any"])
        with_order = Supply(rng, [line for kind, line in other])
        extras = {}
        for heading, line in read_bank(team + ".txt"):
            kind = heading.split(":")[0]
            if kind not in extras:
                orderless = team in ("account", "sales") or kind == "site"
                extras[kind] = {"subject": supply(subjects, f"{team} {kind}"),
                                "request": supply(requests, f"{team} {kind}"),
                                "aside": anywhere if orderless else with_order}
            rows.append({"text": dress(rng, line, extras[kind]), "team": team})
    rng.shuffle(rows)
    return rows


def main():
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in make_rows())
    target = HERE / "tickets.jsonl"
    if "--check" in sys.argv[1:]:
        same = target.exists() and target.read_text(encoding="utf-8") == text
        print("tickets.jsonl is up to date" if same else "tickets.jsonl differs: run make_tickets.py")
        sys.exit(0 if same else 1)
    target.write_text(text, encoding="utf-8")
    print(f"{target.name}: {text.count(chr(10))} rows")


if __name__ == "__main__":
    main()
