"""Which (rule, event) pairs two programs found on a lane of Windows events as NDJSON, and why not the same.

An event is known by its time, which the generator gives to no other. What only one program finds is put
into a class by the rule's log source and what the event says of itself; the rest is unexplained and listed.
"""
import collections
import json
import os
import re

# What one event id is called by several of Sigma's categories; an event names one of them.
BOTH_NAMES = {"registry_set": {"registry_event"}, "process_creation": set(), "file_event": set(),
              "network_connection": set(), "image_load": set()}


def rules_of(folder):
    """{id: (title, product, category, service)} of a folder of Sigma rules."""
    found = {}
    for name in sorted(os.listdir(folder)):
        source, rule, inside = {}, {}, False
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            for line in f:
                m = re.match(r"(\s*)(\w+):\s*(.*)$", line)
                if not m:
                    continue
                key, value = m.group(2), m.group(3).split(" #")[0].strip().strip("'\"")
                if not m.group(1):
                    inside = key == "logsource"
                    rule.setdefault(key, value)
                elif inside:
                    source[key] = value
        if "id" in rule:
            found[rule["id"]] = (rule.get("title", name), *(source.get(k, "") for k in ("product", "category", "service")))
    return found


def moment(text):
    """A time to the microsecond; programs write more or fewer digits."""
    text = text.rstrip("Z").replace(" ", "T")
    whole, _, part = text.partition(".")
    return whole + "." + (part + "000000")[:6]


def events_of(path):
    """{moment: category} as the events say of themselves."""
    found = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            t = re.search(r'"@timestamp":"([^"]+)"', line)
            c = re.search(r'"category":"([^"]+)"', line)
            found[moment(t.group(1))] = c.group(1)
    return found


def postern_pairs(path):
    pairs = collections.Counter()
    with open(path, encoding="utf-8") as f:
        for line in f:
            finding = json.loads(line)
            pairs[finding["rule"]["id"], moment(finding["time"])] += 1
    return pairs


def rsigma_pairs(path):
    pairs = collections.Counter()
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.startswith("{"):
                finding = json.loads(line)
                pairs[finding["rule_id"], moment(finding["event"]["@timestamp"])] += 1
    return pairs


def class_of(rule, category, ours):
    """Why only one of the two found it, or ''."""
    _, product, wanted, service = rule
    elsewhere = (product and product != "windows") or (service and service != "sysmon")
    if ours:
        if wanted in BOTH_NAMES.get(category, ()):
            return "the event is of two categories and names one"
        return ""
    if elsewhere or (wanted and wanted != category and wanted not in BOTH_NAMES.get(category, ())):
        return "the rule is for another log source"
    return ""


def compare(ours, theirs, rules, events):
    """(equal, {class: count}, [unexplained as text])."""
    classes, unexplained = collections.Counter(), []
    equal = sum((ours & theirs).values())
    for mine, pairs in ((True, ours - theirs), (False, theirs - ours)):
        who = "only postern" if mine else "only rsigma"
        for (rule, at), n in sorted(pairs.items()):
            known = rules.get(rule, (rule, "", "", ""))
            why = class_of(known, events.get(at, ""), mine)
            if why:
                classes[f"{who}: {why}"] += n
            else:
                classes[f"{who}: unexplained"] += n
                unexplained.append(f"{who}: {known[0]} ({rule}), event of {at}")
    return equal, classes, unexplained
