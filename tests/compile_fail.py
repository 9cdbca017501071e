#!/usr/bin/env python3
"""Checks programs that must not compile: one mistake, one short error, in the words that the file states.

A file shows a mistake and, under `#ifdef FIXED`, its correction:

    // lines: g++ 12 clang 25 nvcc 12          at most so many lines of output (these are the defaults)
    #ifdef FIXED
    auto y = matmul(x, w);
    #else
    auto y = matmul(x, v);  // expect: matmul: the inner dimensions differ
    #endif

The comment `// expect: <text>` stands on the offending line or on the line above it. Each compiler must fail with exactly
one line that matches `error:`, print <text>, name the offending line, and stay within its number of lines; with -DFIXED it
must succeed (nvcc, which also compiles the kernels of what is right, is not asked that: the .cu tests do). A single-line
comment `// flags: ...` adds compiler options.

--mistakes asks the mistakes alone. --corrections asks the corrections alone, of all the files as one source (see merge.py), which is
quicker.

--selftest FOLDER checks this script: pass_*.cpp there must be accepted, reject_*.cpp rejected.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import merge

DEFAULT_LINES = {"g++": 12, "clang": 25, "nvcc": 12}


class Compiler:
    """A compiler and the options with which it checks a file and writes nothing."""

    def __init__(self, path):
        self.path = path
        version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
        if "NVIDIA" in version:
            self.kind, self.options = "nvcc", ["-x", "cu", "--cuda", "-arch=sm_80", "-o", "/dev/null", "-diag-suppress=1301"]
        elif "clang" in version:
            self.kind, self.options = "clang", ["-fsyntax-only"]
        else:
            self.kind, self.options = "g++", ["-fsyntax-only"]

    def run(self, source, options):
        command = [self.path, *self.options, "-std=c++20", *options, source.name]
        result = subprocess.run(command, cwd=source.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                errors="replace")
        return result.returncode, result.stdout, " ".join(command)


class Expectation:
    """What a file says about its own failure."""

    def __init__(self, source):
        text = source.read_text()
        found = [(number, match) for number, line in enumerate(text.splitlines(), 1)
                 if (match := re.search(r"//\s*expect:\s*(.*?)\s*$", line))]
        if len(found) != 1:
            raise SystemExit(f"{source}: needs exactly one comment '// expect: <text>', and has {len(found)}")
        if not re.search(r"^#\s*ifn?def FIXED\b", text, re.MULTILINE):
            raise SystemExit(f"{source}: shows no correction under #ifdef FIXED")
        number, match = found[0]
        self.text = match.group(1)
        alone = text.splitlines()[number - 1][: match.start()].strip() == ""
        self.line = number + 1 if alone else number
        self.lines = dict(DEFAULT_LINES)
        if limits := re.search(r"^//\s*lines:\s*(.*)$", text, re.MULTILINE):
            for kind, count in re.findall(r"(g\+\+|clang|nvcc)\s+(\d+)", limits.group(1)):
                self.lines[kind] = int(count)
        flags = re.search(r"^//\s*flags:\s*(.*)$", text, re.MULTILINE)
        self.flags = flags.group(1).split() if flags else []


def squeezed(text):
    """Quotes and white space differ between compilers."""
    return re.sub(r"\s+", " ", text.replace("‘", "'").replace("’", "'"))


def faults_of(source, expectation, compiler, options):
    """What is wrong with this compiler's answer: a list of sentences, and the output they are about."""
    code, output, command = compiler.run(source, options)
    faults = []
    if code == 0:
        return [f"it compiles ({command})"], output
    errors = len(re.findall(r"\berror:", output))
    if errors != 1:
        faults.append(f"{errors} lines say 'error:', expected 1")
    # Compilers show the source line, and with it the comment: that is no answer of theirs.
    said = "\n".join(line for line in output.splitlines() if not re.search(r"//\s*expect:", line))
    if squeezed(expectation.text) not in squeezed(said):
        faults.append(f"the words '{expectation.text}' are missing")
    place = rf"{re.escape(source.name)}(:{expectation.line}\b|\({expectation.line}\))"
    by_instantiation = rf"at line {expectation.line}\b"  # nvcc names the file only once
    if not re.search(place, said) and not (compiler.kind == "nvcc" and re.search(by_instantiation, said)):
        faults.append(f"line {expectation.line}, the offending one, is not named")
    count = len(output.rstrip("\n").splitlines())
    if count > expectation.lines[compiler.kind]:
        faults.append(f"{count} lines of output, allowed are {expectation.lines[compiler.kind]}")
    return faults, output


def check(source, compilers, options, report, corrections=True):
    """True if every compiler rejects the file as the file says, and, if that is asked, accepts its correction."""
    source = pathlib.Path(source).resolve()
    expectation = Expectation(source)
    good = True
    for compiler in compilers:
        faults, output = faults_of(source, expectation, compiler, options + expectation.flags)
        if corrections and not faults and (compiler.kind != "nvcc" or not options):
            code, output, command = compiler.run(source, options + expectation.flags + ["-DFIXED"])
            if code != 0:
                faults.append(f"the correction does not compile ({command})")
        for fault in faults:
            report(f"{source.name}: {compiler.kind}: {fault}")
        if faults:
            report("---- output ----\n" + output.rstrip("\n") + "\n----------------")
            good = False
        else:
            report(f"{source.name}: {compiler.kind}: ok")
    return good


def corrections_compile(sources, compilers, options, report):
    """True if the compilers (but nvcc) accept the corrections of all files, as one source."""
    sources = [pathlib.Path(source).resolve() for source in sources]
    good = True
    for flags in sorted({tuple(Expectation(source).flags) for source in sources}):
        chosen = [source for source in sources if tuple(Expectation(source).flags) == flags]
        with tempfile.TemporaryDirectory() as folder:
            together = pathlib.Path(folder) / "corrections.cpp"
            together.write_text(merge.merged(chosen))
            for compiler in compilers:
                if compiler.kind != "nvcc":
                    code, output, command = compiler.run(together, [*options, *flags, "-DFIXED"])
                    good = good and code == 0
                    report(f"{len(chosen)} corrections: {compiler.kind}: " + ("ok" if code == 0 else f"do not compile ({command})\n{output}"))
    return good


def selftest(folder, compilers):
    files = sorted(pathlib.Path(folder).glob("*.cpp"))
    good = len(files) > 0
    for source in files:
        log = []
        wanted = source.name.startswith("pass_")
        answers = [check(source, [compiler], [], log.append) for compiler in compilers]
        accepted = all(answers) if wanted else any(answers)
        if accepted != wanted:
            good = False
            print(f"{source.name}: {'accepted' if accepted else 'rejected'}, and should not be", *log, sep="\n")
        else:
            print(f"{source.name}: {'accepted' if accepted else 'rejected'}, as it should be")
    for source in files:
        compiles = corrections_compile([source], compilers, [], log.append)
        if compiles != (source.name != "reject_no_correction.cpp"):
            good = False
            print(f"the correction of {source.name}: {'accepted' if compiles else 'rejected'}, and should not be")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*")
    parser.add_argument("--compiler", action="append", required=True, help="g++, clang++ or nvcc; may be repeated")
    parser.add_argument("--include", action="append", default=[])
    parser.add_argument("--mistakes", action="store_true")
    parser.add_argument("--corrections", action="store_true")
    parser.add_argument("--selftest", metavar="FOLDER")
    arguments = parser.parse_args()
    compilers = [Compiler(path) for path in arguments.compiler]
    if arguments.selftest:
        return 0 if selftest(arguments.selftest, compilers) else 1
    options = [f"-I{pathlib.Path(path).resolve()}" for path in arguments.include]
    if arguments.corrections:
        return 0 if corrections_compile(arguments.sources, compilers, options, print) else 1
    results = [check(source, compilers, options, print, corrections=not arguments.mistakes) for source in arguments.sources]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
