# SPDX-License-Identifier: Apache-2.0
# What scripts/slang runs: slang's own driver, once, or once for each parameter set.
import glob
import os
import re
import sys
import tempfile

import pyslang


def slang(arguments):
    """Whether the design is accepted; messages go to stderr."""
    d = pyslang.driver.Driver()
    d.addStandardArgs()
    line = "slang " + " ".join(re.sub(r"([\\\"' ])", r"\\\1", a) for a in arguments)
    if not d.parseCommandLine(line, pyslang.driver.CommandLineOptions()):
        return False
    if not d.processOptions() or not d.parseAllSources():
        return False
    compilation = d.createCompilation()
    d.reportCompilation(compilation, True)
    d.runAnalysis(compilation)
    return d.reportDiagnostics(True)


def said(arguments):
    """Whether it is accepted, and the messages, which slang writes past Python's stderr."""
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            good = slang(arguments)
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        file.seek(0)
        return good, file.read().decode()


def sets(hw):
    sources = sorted(glob.glob(hw + "/*.sv"))
    failed = 0
    for line in sys.stdin:
        verdict, module, *values = line.split()
        good, text = said(sources + ["--top", module] + ["-G" + v for v in values])
        if verdict == "legal" and (text or not good):
            print("slang:", module, *values)
            print(text)
            failed = 1
        if verdict == "illegal" and good:
            print("slang: not refused:", module, *values)
            failed = 1
    return failed


if sys.argv[1:] == ["--version"]:
    print("pyslang", pyslang.__version__)
    sys.exit(0)
if sys.argv[1:2] == ["--sets"]:
    sys.exit(sets(sys.argv[2]))
sys.exit(0 if slang(sys.argv[1:]) else 1)
