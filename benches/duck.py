#!/usr/bin/env python3
"""DuckDB as a peer: one SQL statement with one FILTER per rule, over one log with one record a line.

    benches/duck.py RULES DATA [THREADS]

Prints `rule id<TAB>matching events` for each rule. A modifier or a condition outside the simple part of
Sigma is an error, so that no count is of fewer rules than were asked. A path through an array finds
nothing here; leave such rules out, and let compare.sh check the counts.
Needs the packages duckdb and pyyaml.
"""
import pathlib
import re
import sys

import duckdb
import yaml


def quoted(text):
    return "'" + str(text).replace("'", "''") + "'"


def pattern(text, modifiers):
    """The value as a comparison of a lower-case text `{}`: Sigma has no case, and knows * and ?."""
    body, plain, escaped, wild = [], [], False, False
    for sign in str(text).lower():
        if not escaped and sign == "\\":
            escaped = True
            continue
        if not escaped and sign in "*?":
            wild = True
            body.append("%" if sign == "*" else "_")
        else:
            if escaped and sign not in "*?\\":
                plain.append("\\")
                body.append("\\")
            plain.append(sign)
            body.append("!" + sign if sign in "%_!" else sign)
        escaped = False
    if escaped:
        plain.append("\\")
        body.append("\\")
    before = "%" if {"contains", "endswith"} & set(modifiers) else ""
    after = "%" if {"contains", "startswith"} & set(modifiers) else ""
    if not wild and not before and not after:
        return "{} = " + quoted("".join(plain))
    return "{} LIKE " + quoted(before + "".join(body) + after) + " ESCAPE '!'"


class Rules:
    def __init__(self):
        self.columns = {}

    def column(self, field):
        return self.columns.setdefault(field, "c%d" % len(self.columns))

    def item(self, key, values):
        field, *modifiers = key.split("|")
        unknown = set(modifiers) - {"contains", "startswith", "endswith", "all"}
        if unknown:
            raise SystemExit("no SQL for the modifiers %s" % sorted(unknown))
        column = self.column(field)
        values = values if isinstance(values, list) else [values]
        tests = []
        for value in values:
            if value is None:
                tests.append(column + " IS NULL")
            else:
                tests.append("coalesce(%s, false)" % pattern(value, modifiers).replace("{}", column, 1))
        return "(" + (" AND " if "all" in modifiers else " OR ").join(tests) + ")"

    def selection(self, block):
        if isinstance(block, list):
            return "(" + " OR ".join(self.selection(part) for part in block) + ")"
        if not isinstance(block, dict):
            raise SystemExit("no SQL for keywords")
        return "(" + " AND ".join(self.item(key, value) for key, value in block.items()) + ")"

    def rule(self, rule):
        detection = dict(rule["detection"])
        condition = detection.pop("condition")

        def some(match):
            names = [name for name in detection if re.fullmatch(match[2].replace("*", ".*"), name)]
            joint = " OR " if match[1] == "1" else " AND "
            return "(" + joint.join("{%s}" % name for name in names) + ")"

        condition = re.sub(r"\b(1|all) of (\w+\*?)", some, condition)
        for name in sorted(detection, key=len, reverse=True):
            condition = re.sub(r"(?<![{\w])%s(?![\w}])" % re.escape(name), "{%s}" % name, condition)
        left = re.sub(r"\{\w+\}|\b(and|or|not)\b|[()\s]", "", condition, flags=re.I)
        if left:
            raise SystemExit("no SQL for the condition %r" % condition)
        return re.sub(r"\{(\w+)\}", lambda match: self.selection(detection[match[1]]), condition)


def main():
    rules_dir, data, threads = sys.argv[1], sys.argv[2], int((sys.argv[3:] or ["1"])[0])
    rules, filters = Rules(), []
    for path in sorted(pathlib.Path(rules_dir).glob("**/*.yml")):
        document = yaml.safe_load(path.read_text())
        filters.append((document["id"], rules.rule(document)))
    with open(data, "rb") as lines:
        azure = b'"properties"' in lines.readline()
    event = "json_extract_string(line, '$.properties.log')" if azure else "line"
    paths = list(rules.columns)
    picked = ", ".join(
        "lower(got[%d]) AS %s" % (number + 1, rules.columns[field]) for number, field in enumerate(paths)
    )
    wanted = "[" + ", ".join(quoted("$." + ".".join('"%s"' % part for part in f.split("."))) for f in paths) + "]"
    counts = ", ".join("count(*) FILTER (WHERE %s)" % test for _, test in filters)
    base = duckdb.connect()
    base.execute("SET threads = %d" % threads)
    row = base.execute(
        "SELECT %s FROM (SELECT %s FROM (SELECT json_extract_string(%s, %s) AS got FROM read_csv(%s,"
        " columns = {'line': 'VARCHAR'}, delim = '\\x01', quote = '', escape = '', header = false,"
        " auto_detect = false, max_line_size = 16777216)))"
        % (counts, picked, event, wanted, quoted(data))
    ).fetchone()
    for (name, _), count in zip(filters, row):
        print("%s\t%d" % (name, count))


main()
