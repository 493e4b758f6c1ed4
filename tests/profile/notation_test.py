#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Value notation of the TS.48 v7 packages as the tool prints it against GSMA's own text beside each package. DER omits
components that equal their DEFAULT and the text writes them: they are taken out of both before comparing."""
import re, subprocess, sys

TOOL, PACKAGE = sys.argv[1], sys.argv[2]
DEFAULTS = [r"lcsi '05'H", r"specialFileInformation '00'H", r"keyAccess '00'H", r"macLength 8", r"fileDetails '01'H",
            r"rotationConstants '4000204060'H", r"xoringConstants '0{63}1[0-9A-F]*'H", r"numberOfKeccak 1",
            r"sqnOptions '02'H", r"sqnDelta '000010000000'H", r"sqnAgeLimit '000010000000'H",
            r"sqnInit \{( '000000000000'H( ,)?){32} \}", r"pinAttributes 7", r"fillFileOffset : 0"]
PER_PE = {"pinCodes": r"maxNumOfAttemps-retryNumLeft 51", "pukCodes": r"maxNumOfAttemps-retryNumLeft 170"}


def normal(text):
    text = re.sub(r"\s+", " ", text.replace("\r", ""))
    text = re.sub(r"([{},])", r" \1 ", text)
    text = re.sub(r" +", " ", text)
    out = []
    for pe in re.split(r"(?=value\d+ ProfileElement)", text):
        name = re.search(r"::= ([\w-]+)", pe)
        for d in DEFAULTS + ([PER_PE[name.group(1)]] if name and name.group(1) in PER_PE else []):
            pe = re.sub(r" +", " ", re.sub(r"(?<=[{,] )" + d.replace("','", "', '") + r"( ,)?", "", pe))
        pe = re.sub(r", }", "}", pe)
        out.append(re.sub(r"[ ,]+(?=})", " ", pe))
    return "".join(out).split()


ours = normal(subprocess.run([TOOL, "show", "--notation", "--with-secrets", PACKAGE], check=True, capture_output=True,
                             text=True).stdout)
theirs = normal(open(PACKAGE[:-3] + "txt", encoding="utf-8").read())
same = sum(1 for a, b in zip(ours, theirs) if a == b)
for i, (a, b) in enumerate(zip(ours, theirs)):
    if a != b:
        print("at token", i, "ours", " ".join(ours[max(0, i - 8):i + 4]), "| theirs", " ".join(theirs[max(0, i - 8):i + 4]))
        break
print(f"{same} of {len(theirs)} tokens equal, ours {len(ours)}")
sys.exit(0 if ours == theirs and len(ours) > 3000 else 1)
