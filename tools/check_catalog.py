#!/usr/bin/env python3
"""The catalog against published schemas and mappings: what of it agrees, what differs and why.

    check_catalog.py CATALOG_JSON [-v]

Compares, for each public list in ../shared (see check_* below), column by column or mapping by
mapping. A mapping "Sigma's Image is FolderPath there" agrees when some view gives that column from
the native column that Sigma's field is read from; it says nothing of us where no source behind that
table has the field. Differences are explained in tools/catalog_differences.txt, one
`LIST PATTERN: reason` a line (patterns as of file names): public lists have errors of their own, and
those that are known must not be ours (check_known_errors). Fails on a difference that nobody
explained, and on an explanation that explains nothing. Prints N of M for each list; -v: the
differences too. Exits with 77 where the shared data is not at hand.
"""
import csv
import fnmatch
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.environ.get("POSTERN_SHARED", os.path.join(ROOT, "..", "shared"))
MAPPINGS = os.path.join(SHARED, "catalog-sources", "mappings")
SIGMA = os.path.join(SHARED, "corpora", "sigma", "mapping")
EXPLANATIONS = os.path.join(ROOT, "tools", "catalog_differences.txt")


class Catalog:
    """What catalog_json prints."""

    def __init__(self, tool, logsources):
        lines = [",".join(f"{k}={v}" for k, v in sorted(source.items())) for source in logsources]
        done = subprocess.run([tool], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
        self.native, self.tables, self.resolved = {}, {}, {}
        for line in done.stdout.splitlines():
            entry = json.loads(line)
            if "native" in entry:
                self.native[entry["native"]] = entry
            elif "table" in entry:
                tables = self.tables.setdefault(entry["vocabulary"], {})
                for name in [entry["table"], *entry["aliases"]]:
                    tables[name.lower()] = entry
            else:
                self.resolved[entry["logsource"]] = entry["tables"]
        # Sigma's field -> the native columns it is read from, by native table.
        self.sigma_sources = {}
        for table in self.tables["sigma"].values():
            for view in table["views"]:
                for field, made in view["map"].items():
                    self.sigma_sources.setdefault((view["from"], field), set()).update(made["columns"])

    def resolve(self, source):
        return self.resolved[",".join(f"{k}={v}" for k, v in sorted(source.items()))]

    def sigma_table(self, name):
        return self.tables["sigma"][name.lower()]

    def native_of(self, native, field):
        """The native columns that Sigma's field is read from in that table."""
        table = self.native[native]
        own = {field} if field in table["fields"] or table["open"] else set()
        own |= {"_time"} if field in ("UtcTime", "ts", "TimeCreated") else set()
        return own | self.sigma_sources.get((native, field), set())

    def type_of(self, table, column):
        """Of a table's column, also of one that a source passes through; None where there is none."""
        through = [self.native[v["from"]]["fields"] for v in table["views"] if v["passthrough"]]
        return next((f[column] for f in [table["fields"], *through] if column in f), None)

    def is_listed(self, tables, field):
        """True when some source behind the tables lists what Sigma's `field` is read from."""
        return any(field in self.native[v["from"]]["fields"] or (v["from"], field) in self.sigma_sources
                   or "_time" in self.native_of(v["from"], field) for t in tables for v in t["views"])

    def says_the_same(self, table, column, field, natives=None):
        """True when a view of `table` gives `column` from what Sigma's `field` is read from."""
        for view in table["views"]:
            if natives and view["from"] not in natives:
                continue
            made = view["map"].get(column)
            columns = set(made["columns"]) if made else {column} if view["passthrough"] else set()
            if made and not columns:  # a constant: the view's condition chooses it
                columns = set(view["asks"])
            if columns & self.native_of(view["from"], field):
                return True
        return False


class Report:
    def __init__(self):
        self.explanations = []
        self.used = set()
        with open(EXPLANATIONS) as lines:
            for line in lines:
                if line.strip() and not line.startswith("#"):
                    key, _, reason = line.partition(": ")
                    name, _, pattern = key.partition(" ")
                    self.explanations.append((name, pattern, reason.strip()))
        self.counts = {}
        self.without_source = {}
        self.differences = []

    def mapping(self, name, catalog, key, tables, columns, field):
        """Sigma's `field` is one of `columns` of one of the tables."""
        if any(catalog.says_the_same(t, c, field) for t in tables for c in columns):
            self.fact(name, key, True)
        elif catalog.is_listed(tables, field):
            there = any(c in t["fields"] for t in tables for c in columns)
            self.fact(name, key, False, "not from there" if there else "no such column")
        else:
            self.without_source[name] = self.without_source.get(name, 0) + 1

    def fact(self, name, key, agrees, seen=""):
        good, all_of_them = self.counts.get(name, (0, 0))
        self.counts[name] = (good + bool(agrees), all_of_them + 1)
        if agrees:
            return
        reason = None
        for i, (of, pattern, text) in enumerate(self.explanations):
            if of == name and fnmatch.fnmatchcase(key, pattern):
                reason = text
                self.used.add(i)
                break
        self.differences.append((name, key, seen, reason))

    def print(self, verbose):
        unexplained = 0
        for name, key, seen, reason in self.differences:
            unexplained += reason is None
            if verbose or reason is None:
                print(f"  {name} {key}{' (' + seen + ')' if seen else ''}: {reason or 'NOT EXPLAINED'}")
        for name, (good, all_of_them) in self.counts.items():
            differ = [d for d in self.differences if d[0] == name]
            print(f"{name}: {good} of {all_of_them} agree, {sum(d[3] is not None for d in differ)} differ for a reason, "
                  f"{sum(d[3] is None for d in differ)} for none; {self.without_source.get(name, 0)} of fields that no "
                  f"source has")
        stale = [e for i, e in enumerate(self.explanations) if i not in self.used]
        for name, pattern, _ in stale:
            print(f"  explains nothing: {name} {pattern}")
        return 1 if unexplained or stale else 0


def rows(name):
    with open(os.path.join(MAPPINGS, name), newline="") as f:
        return list(csv.DictReader(f))


def words(text):
    """Names in a cell that people wrote: alternatives, remarks in brackets left out."""
    text = re.sub(r"\([^)]*\)|->.*|\[[^\]]*\]|\|(contains|endswith)", " ", text or "")
    return [w for w in re.split(r"\s*[/;,|]\s*|\s+or\s+", text.strip()) if w and " " not in w]


# Type names of public schemas in ours. What stands behind the others (hosts, addresses, enumerations,
# aliases) is text.
TYPES = {"datetime": "datetime", "int": "int", "integer": "int", "long": "long", "double": "real", "real": "real",
         "bool": "bool", "boolean": "bool", "dynamic": "dynamic", "latitude": "real", "longitude": "real"}


def check_schema(catalog, report, name, path, whole):
    """Columns and types of each table. `whole`: also tables that the catalog lacks are a difference."""
    seen = set()
    for row in rows(path):
        table = catalog.tables["kql"].get(row["table"].lower())
        if row["table"] not in seen:
            seen.add(row["table"])
            if whole or table:
                report.fact(name, row["table"], table is not None, "no such table")
        if not table:
            continue
        column = re.sub(r"[`*\[(].*", "", row["column"]).strip()  # marks of footnotes
        own = catalog.type_of(table, column)
        wanted = TYPES.get(row["data_type"].lower(), "string")
        key = f"{row['table']}.{column}"
        report.fact(name, key, own == wanted, f"{own or 'not there'}, not {wanted}")


def check_kusto(catalog, report, name, path):
    """Sigma's fields in tables of Microsoft, as a converter of rules maps them: `*` is any of the
    tables that the list names, `A|B` either column."""
    listed = {row["table"].lower() for row in rows(path)} - {"*"}
    for row in rows(path):
        names = listed if row["table"] == "*" else {row["table"].lower()}
        tables = [catalog.tables["kql"][n] for n in names if n in catalog.tables["kql"]]
        columns = row["target_field"].split("|")
        field = row["sigma_field"].partition(" ")[0]
        key = f"{row['table']}.{row['target_field']}={row['sigma_field']}"
        if not tables:
            report.fact(name, key, False, "no such table")
        else:
            report.mapping(name, catalog, key, tables, columns, field)


def check_elastic(catalog, report):
    """Sigma's fields of Windows and Zeek in ECS."""
    tables = list(catalog.tables["ecs"].values())
    for row in rows("ecs_windows_winlogbeat7.csv"):
        report.mapping("ecs-windows", catalog, f"{row['ecs_field']}={row['sigma_field']}", tables,
                       [row["ecs_field"]], row["sigma_field"].partition(" ")[0])
    for row in rows("ecs_zeek_beats_excerpt.csv"):
        for field in words(row["zeek_or_sigma_field"]):
            # Sigma puts the log's name before what is ambiguous.
            plain = re.sub(r"^(smtp|kerberos|pop3)_", "", field)
            report.mapping("ecs-zeek", catalog, f"{row['ecs_field']}={field}", tables, [row["ecs_field"]], plain)


def check_cim(catalog, report):
    for row in rows("splunk_cim_sysmon_process.csv"):
        field = row["sigma_field"].partition("|")[0]
        dataset, _, column = row["cim_field"].partition(".")
        table = catalog.tables["spl"].get(("Endpoint." + dataset).lower())
        report.fact("cim-processes", f"{row['cim_field']}={row['sigma_field']}",
                    table and catalog.says_the_same(table, column, field), "not from there")


def check_asim_parsers(catalog, report):
    """What the parsers of Sysmon, Zeek and Defender put into NetworkSession."""
    sources = {"Sysmon3": "windows.sysmon", "Zeek conn": "zeek.conn", "DeviceNetworkEvents": "defender.DeviceNetworkEvents"}
    table = catalog.tables["kql"]["imnetworksession"]
    for row in rows("asim_parsers_networksession.csv"):
        native = sources[row["parser"].partition("->")[0]]
        fields = words(row["source_field"].replace(" (Initiated=true)", ""))
        target = re.sub(r"\([^)]*\)|:.*|strip\s\S+ ->", " ", row["asim_field"])
        columns = [c for c in re.split(r"[\s,/=]+", target) if c in table["fields"]]
        if row["source_field"] == "const":
            for column, value in re.findall(r"(\w+)=(\w+)", row["asim_field"]):
                made = {v["map"].get(column, {}).get("text", "").strip('"') for v in table["views"] if v["from"] == native}
                report.fact("asim-parsers", f"{native}.{column}={value}", value in made, f"{sorted(made)}")
            continue
        pairs = list(zip(fields, columns)) if len(fields) == len(columns) else [(f, c) for c in columns for f in fields[:1]]
        for field, column in pairs:
            report.fact("asim-parsers", f"{native}.{column}={row['source_field']}",
                        catalog.says_the_same(table, column, field, {native}), "not from there")


def check_crosswalk(catalog, report):
    """Each name of 80 concepts in 13 schemas is a column of some table of ours."""
    def of_native(*prefixes):
        return {f for name, t in catalog.native.items() if name.startswith(prefixes) for f in t["fields"]}

    def of_vocabulary(name, *tables):
        return {f for t in catalog.tables[name].values() if not tables or t["table"].startswith(tables)
                for f in [*t["fields"], *(c for v in t["views"] for c in v["map"])]}

    known = {"sysmon_field": of_native("windows.sysmon"), "win_security_field": of_native("windows.security"),
             "sigma_field": of_vocabulary("sigma") | of_native("windows.", "zeek."),
             "splunk_cim": of_vocabulary("spl"), "asim": of_vocabulary("kql", "im", "_Im"),
             "defender_xdr": of_vocabulary("kql", "Device", "Email", "Identity", "Alert"),
             "ecs": of_vocabulary("ecs"), "ocsf": of_vocabulary("ocsf"), "zeek": of_native("zeek."),
             "suricata_eve": of_native("suricata."), "auditd": of_native("linux.auditd") | {"PROCTITLE", "msg=audit"},
             "osquery": of_native("osquery."), "macos_unifiedlog": of_native("macos.")}
    for row in rows("field_crosswalk.csv"):
        for schema, fields in known.items():
            before = ""
            for word in words(row[schema]):
                # "email.a / b" is email.a and email.b.
                if before and word not in fields and before.rpartition(".")[0] + "." + word in fields:
                    word = before.rpartition(".")[0] + "." + word
                elif "MD5/" in row[schema] and word in ("SHA1", "SHA256"):
                    word = "TargetProcess" + word
                before = word
                plain = re.sub(r"^(4688|5156|EmailEvents|EmailAttachmentInfo|EmailUrlInfo|All_\w+|Processes|DNS|"
                               r"process_events|socket_events|columns)[. ]|=$", "", word)
                report.fact("crosswalk", f"{schema}.{row['concept']}.{word}",
                            plain in fields or plain.replace("@", "_") in fields, "not there")


def thor_entries():
    """Log sources of thor.yml: a mapping of flat mappings, read without a YAML library."""
    entry, key, out = None, "", {}
    with open(os.path.join(SIGMA, "thor.yml")) as lines:
        for line in lines:
            line = re.sub(r"(^|\s)#.*", "", line).rstrip()
            if m := re.fullmatch(r"    ([\w-]+):", line):
                entry = out.setdefault(m[1], {})
            elif entry is not None and (m := re.fullmatch(r" {8}(\w+):\s*(.*)", line)):
                key = m[1]
                if m[2]:
                    entry[key] = m[2].strip("'\"")
            elif entry is not None and (m := re.fullmatch(r" {12}(\w+):\s*(.*)", line)):
                entry[f"{key}.{m[1]}"] = [m[2]] if m[2] else []
            elif entry is not None and (m := re.fullmatch(r" {12,16}- (.*)", line)):
                of = f"{key}.EventID" if f"{key}.EventID" in entry else key
                entry.setdefault(of, []).append(m[1].strip("'\""))
    return out


def logsource_of(entry):
    return {k: entry[k] for k in ("category", "product", "service") if k in entry}


def check_thor(catalog, report, entries):
    """Event ids and channels behind each log source."""
    for name, entry in entries.items():
        tables = [catalog.sigma_table(t) for t in catalog.resolve(logsource_of(entry))]
        views = [v for t in tables for v in t["views"]]
        key = "/".join(logsource_of(entry).values())
        if not tables:
            report.fact("sigma-thor", f"{key}", False, "resolves to nothing")
            continue
        for number in entry.get("conditions.EventID", []):
            service = entry.get("rewrite.service", [""])[0]
            native = {"sysmon": "windows.sysmon", "security": "windows.security", "powershell": "windows.powershell",
                      "powershell-classic": "windows.powershell"}.get(service)
            good = any((native is None or v["from"] == native) and re.search(rf"\b{number}\b", v["where"] or "") for v in views)
            report.fact("sigma-thor", f"{key}.EventID={number}", good, "no view asks for it")
        for source in entry.get("sources", []):
            kind, _, channel = source.partition(":")
            if kind != "WinEventLog":
                report.fact("sigma-thor", f"{key}.{source}", bool(views), "no view")
                continue
            texts = [v["where"] or "" for v in views]
            texts += [json.dumps(catalog.native[v["from"]]["constants"]) for v in views]
            good = any(channel.lower() in t.lower() for t in texts)
            # A view may ask for all logs below a name.
            good = good or any(channel.lower().startswith(p.lower()) for t in texts for p in re.findall(r'"([^"]+/)"', t))
            # A native table that is one log has its channel in its name.
            good = good or any(v["from"] == "windows." + channel.lower() for v in views)
            report.fact("sigma-thor", f"{key}.{channel}", good, "no view asks for it")


def check_sysmon_categories(catalog, report):
    for row in rows("sysmon_category_to_eventid.csv"):
        source = {"category": row["sigma_category"], "product": "windows"}
        views = [v for t in catalog.resolve(source) for v in catalog.sigma_table(t)["views"]]
        for number in row["sysmon_eventid"].split("|"):
            good = any(v["from"] == "windows.sysmon" and re.search(rf"\b{number}\b", v["where"] or "") for v in views)
            report.fact("sysmon-categories", f"{row['sigma_category']}={number}", good, "no view asks for it")


def logsource_lists():
    """(log source, fields) of logsource.json."""
    with open(os.path.join(SIGMA, "logsource.json")) as f:
        data = json.load(f)
    for part in ("legit", "addon"):
        for product, kinds in data[part].items():
            for kind in ("category", "service"):
                for name, fields in kinds.get(kind, {}).items():
                    source = {kind: name}
                    if product != "empty":
                        source["product"] = product
                    yield part, source, fields


def check_logsources(catalog, report):
    """Each log source resolves, and its fields are known in what it resolves to."""
    for part, source, fields in logsource_lists():
        key = "/".join(source[k] for k in ("product", "category", "service") if k in source)
        tables = [catalog.sigma_table(t) for t in catalog.resolve(source)]
        report.fact("sigma-logsources", key, bool(tables), "resolves to nothing")
        views = [v for t in tables for v in t["views"]]
        if not views:
            continue  # no evidence format provides it: its rules load and never fire
        known = set()
        # Of an open table any field of the record can be read, listed or not.
        is_open = any(v["passthrough"] and catalog.native[v["from"]]["open"] for v in views)
        for v in views:
            known.update(v["map"])
            if v["passthrough"]:
                known.update(catalog.native[v["from"]]["fields"])
                known.update(catalog.native[v["from"]]["constants"])
        for t in tables:
            known.update(t["fields"])
        for field in fields:
            report.fact("sigma-fields", f"{key}.{field}", is_open or field in known, "not there")


def check_known_errors(catalog, report):
    """What public mappings are known to get wrong (notes/telemetry.md) is right here."""
    def views(vocabulary, table, native):
        return [v for v in catalog.tables[vocabulary][table.lower()]["views"] if v["from"] == native]

    def text(view, column):
        return view["map"].get(column, {}).get("text", "")

    def right(what, good):
        report.fact("known-errors", what, good)

    for v in views("kql", "imNetworkSession", "windows.sysmon"):
        own, other = ("Dst", "Src") if "not Initiated" in v["where"] else ("Src", "Dst")
        for column, made in (("ProcessName", "Image"), ("ProcessId", "tostring(ProcessId)"), ("ProcessGuid", "ProcessGuid"),
                             ("Username", "User")):
            right(f"ASIM, Sysmon: {own}{column} is of the process, where {v['where']}",
                  text(v, own + column) == made and text(v, other + column) == '""')
        right(f"ASIM, Sysmon: SrcHostname is SourceHostname, where {v['where']}", "SourceHostname" in text(v, "SrcHostname"))
    for v in views("kql", "imNetworkSession", "zeek.conn"):
        right("ASIM, Zeek: NetworkDuration is in milliseconds", "1000" in text(v, "NetworkDuration") and
              v["map"]["NetworkDuration"]["columns"] == ["duration"])
    for v in views("ecs", "ecs_email", "zeek.smtp"):
        right("ECS, Zeek: zeek.smtp.from is the From of SMTP", text(v, "zeek.smtp.from") == "from")
    right("Zeek: the command of ftp.log is FTP's", "command" in catalog.native["zeek.ftp"]["fields"])
    for table in catalog.tables["ocsf"].values():
        for v in table["views"]:
            for column in ("process.name", "actor.process.name"):
                if column in v["map"]:
                    path = column.replace(".name", ".file.path")
                    right(f"OCSF, {table['table']}, {v['from']}: the program's path is {path}",
                          bool(text(v, path)) and text(v, path) != text(v, column))
    right("Azure: 5156 is no DestinationPort of SecurityEvent", "DestinationPort" not in catalog.tables["kql"]["securityevent"]["fields"])
    right("CIM: Network_Traffic is fed by Sysmon", bool(views("spl", "Network_Traffic.All_Traffic", "windows.sysmon")))
    right("CIM: Email is fed by Zeek", bool(views("spl", "Email.All_Email", "zeek.smtp")))


def main():
    if not os.path.isdir(MAPPINGS):
        print("skipped: no shared data")
        return 77
    entries = thor_entries()
    sources = [logsource_of(e) for e in entries.values()] + [s for _, s, _ in logsource_lists()]
    sources += [{"category": r["sigma_category"], "product": "windows"} for r in rows("sysmon_category_to_eventid.csv")]
    catalog = Catalog(os.path.abspath(sys.argv[1]), sources)
    report = Report()
    check_schema(catalog, report, "defender-schema", "schema_xdr_tables.csv", True)
    check_schema(catalog, report, "asim-schema", "schema_asim_tables.csv", True)
    check_schema(catalog, report, "azure-schema", "schema_azmon_tables.csv", False)
    check_kusto(catalog, report, "defender-mapping", "pysigma_kusto_microsoft_xdr.csv")
    check_kusto(catalog, report, "asim-mapping", "pysigma_kusto_sentinel_asim.csv")
    check_kusto(catalog, report, "azure-mapping", "pysigma_kusto_azure_monitor.csv")
    check_asim_parsers(catalog, report)
    check_elastic(catalog, report)
    check_cim(catalog, report)
    check_crosswalk(catalog, report)
    check_sysmon_categories(catalog, report)
    check_thor(catalog, report, entries)
    check_logsources(catalog, report)
    check_known_errors(catalog, report)
    return report.print("-v" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
