#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a package leaves on the card against the structure workbook of GSMA TS.48 v7 (structure_files_definition.csv),
which nobody here made. Reads the output of install_dump; prints counts; fails on any difference or on too few
comparisons. Paths named behind the count may differ: what an earlier version had otherwise, or a person's own values."""
import csv, re, subprocess, sys

DUMP, PACKAGE, TABLE, MIN_EQUAL = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
OTHERWISE = ["3F00/" + p for p in sys.argv[5:]]
ADF = {"USIM": "A0000000871002", "ISIM": "A0000000871004", "CSIM": "A0000003431002"}


def card():
    files, names = {}, {}
    text = subprocess.run([DUMP, PACKAGE], check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        words = line.split()
        path = words[0].split("/")
        aid = [w[4:] for w in words if w.startswith("aid=")]
        if aid:
            names[path[-1]] = next((n for n, a in ADF.items() if aid[0].startswith(a)), path[-1])
        path = "/".join(names.get(p, p) for p in path)
        body = [w for w in words[1:] if re.fullmatch(r"[0-9A-F]+", w) and "=" not in w]
        attrs = dict(w.split("=", 1) for w in words[1:] if "=" in w)
        files[path] = (attrs, body[1:] if body and not line.split()[1].startswith("DF") else [])
    return files


def cells(rows):
    """(path, record or None, text) of every content cell."""
    path = None
    for row in rows[2:]:
        row += [""] * (18 - len(row))
        if row[0]:
            path = (row[2].strip("/") + "/" + row[0]).strip("/")
            if not path.startswith("3F00") and row[0] != "3F00":
                path = "3F00/" + path
            kind = row[5]
            if kind in ("Transparent", "Linear", "Cyclic") and row[17] and not row[17].startswith(("Expand", "Shared")):
                yield path, row, None if kind == "Transparent" else "all", row[17]
        elif path and row[15].lower().startswith("rec") and row[17]:
            yield path, row, row[15], row[17]


def expected(text, length):
    """Octets a cell describes, or None when it is prose."""
    t = text
    if re.match(r"(?i)\s*all (bytes|value)s? set to (0x)?ff", t):
        return "FF" * length
    t = re.sub(r"\(.*", "", t)
    t = re.sub(r"\s", "", t).replace("0x", "").upper()
    if not re.fullmatch(r"[0-9A-F]*", t) or len(t) % 2 or not t:
        return None
    if t.endswith("FF"):
        return t + "FF" * (length - len(t) // 2)
    return (t * (2 * length // len(t) + 1))[:2 * length] if len(t) < 2 * length else t  # lists of equal entries


def service_tables():
    """EF.UST, EF.IST and EF.VST differ per package; the workbook's second sheet has them."""
    rows = list(csv.reader(open(TABLE.replace("files", "profiles"), encoding="utf-8-sig")))
    name = PACKAGE.split("SAIP2.3_")[-1]
    col = next((i for i, n in enumerate(rows[0]) if n.split("SAIP2.3_")[-1] == name), None)
    where = {"UST coding:": "3F00/USIM/6F38", "IST coding:": "3F00/ISIM/6F07", "VST coding:": "3F00/7F10/5F3E/4F01"}
    return {where[r[0]]: r[col] for r in rows if col and r[0] in where}


def attributes(rows, files):
    """SFI and access rule record of every EF the package has."""
    wrong, good = [], 0
    for row in rows[2:]:
        row += [""] * (18 - len(row))
        path = (row[2] if row[2].startswith("3F00") else "3F00/" + row[2]) + "/" + row[0]
        # CSIM's default SFIs stand in annex A only; the workbook's rule 15 for EF.5GS3GPPLOCI is not what the package
        # (DER and value notation alike) says, which is 6.
        if not row[0] or path not in files or row[5] in ("", "DF") or path.startswith("3F00/CSIM"):
            continue
        if path == "3F00/USIM/5FC0/4F01":
            continue
        attrs = files[path][0]
        sfi = int(row[4], 16) if re.fullmatch(r"[0-9A-F]{2}", row[4]) else 0
        if row[4] and int(attrs["sfi"], 16) != sfi:
            wrong.append((path, "SFI", attrs["sfi"], row[4]))
        elif row[13].isdigit() and attrs["arr"].split(":")[1] != row[13]:
            wrong.append((path, "rule", attrs["arr"], row[13]))
        else:
            good += 1
    return good, wrong


def main():
    files = card()
    tables = service_tables()
    equal, different, skipped = 0, [], []
    rows = list(csv.reader(open(TABLE, encoding="utf-8-sig")))
    for path, row, rec, text in cells(rows):
        found = files.get(path)
        text = tables.get(path, text)
        if found is None:
            skipped.append((path, rec, "no such file in this package"))
            continue
        body = found[1]
        if rec is None:
            pairs = [(body[0] if body else "", text)]
        else:
            nums = [int(n) for n in re.findall(r"\d+", rec)] if rec != "all" else []
            span = range(1, len(body) + 1) if not nums else range(nums[0], nums[-1] + 1)
            if span and span[-1] > len(body):
                skipped.append((path, rec, "more records than the file holds"))
                continue
            lines = [l for l in text.split("\n") if expected(l, 1) is not None]
            if len(lines) > 1:  # one line a record; what comes after them is described in prose
                pairs = [(body[i - 1], l) for i, l in zip(span, lines)]
            else:
                pairs = [(body[i - 1], text) for i in span]
        for have, want in pairs:
            value = expected(want, len(have) // 2)
            if value is None:
                skipped.append((path, rec, want[:40]))
            elif have == value:
                equal += 1
            elif path.startswith("3F00/CSIM") and len(have) != len(value):
                skipped.append((path, rec, "size stands in annex A only"))
            else:
                different.append((path, rec, have, value))
    good, wrong = attributes(rows, files)
    different += wrong
    print(f"{good} EFs with the expected SFI and access rule")
    otherwise = [d for d in different if d[0] in OTHERWISE]
    different = [d for d in different if d[0] not in OTHERWISE]
    for d in different:
        print("different:", *d)
    for d in otherwise:
        print("otherwise, as expected:", d[0], d[1])
    for s in skipped:
        print("not comparable:", *s)
    print(f"{equal} equal, {len(different)} different, {len(skipped)} not comparable")
    return 1 if different or equal < MIN_EQUAL else 0


sys.exit(main())
