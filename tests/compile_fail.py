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

--mistakes and --corrections ask for one of the two alone, and compile all the files as one source (see merge.py), which is
quicker. Of the mistakes a file is then asked for alone if its part of the output is not as it should be.

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
TOGETHER = "together.cpp"


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
        self.no_limit = ["-ferror-limit=0"] if self.kind == "clang" else []  # of the number of errors

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


def faults_in(output, source, expectation, compiler):
    """What is wrong with the output of a compiler that rejected the file: a list of sentences."""
    faults = []
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
    return faults


def check(source, compilers, options, report, corrections=True):
    """True if every compiler rejects the file as the file says, and, if that is asked, accepts its correction."""
    source = pathlib.Path(source).resolve()
    expectation = Expectation(source)
    good = True
    for compiler in compilers:
        code, output, command = compiler.run(source, options + expectation.flags)
        faults = faults_in(output, source, expectation, compiler) if code != 0 else [f"it compiles ({command})"]
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


def by_flags(sources):
    """The files that are compiled with the same options: pairs of options and files."""
    sources = [pathlib.Path(source).resolve() for source in sources]
    for flags in sorted({tuple(Expectation(source).flags) for source in sources}):
        yield list(flags), [source for source in sources if tuple(Expectation(source).flags) == flags]


def run_together(chosen, compiler, options):
    """Compiles the files as one source, TOGETHER."""
    with tempfile.TemporaryDirectory() as folder:
        together = pathlib.Path(folder) / TOGETHER
        together.write_text(merge.merged(chosen))
        return compiler.run(together, options)


def corrections_compile(sources, compilers, options, report):
    """True if the compilers (but nvcc) accept the corrections of all files, as one source."""
    good = True
    for flags, chosen in by_flags(sources):
        for compiler in compilers:
            if compiler.kind != "nvcc":
                code, output, command = run_together(chosen, compiler, [*options, *flags, "-DFIXED"])
                good = good and code == 0
                report(f"{len(chosen)} corrections: {compiler.kind}: " + ("ok" if code == 0 else f"do not compile ({command})\n{output}"))
    return good


def split(output):
    """The output's errors, each with the lines of context before it and the notes after it, without the lines that name TOGETHER."""
    context = re.compile(r"In file included from|\s+from |\S+: (In|At) |\S+:\s+(recursively )?required |\S+:\s+in .constexpr. expansion")
    parts = [[]]  # what comes before the first error is no error's
    for line in output.splitlines():
        if re.search(r"\berror:", line):
            before = len(parts[-1])
            while before > 0 and context.match(parts[-1][before - 1]):
                before -= 1
            parts.append(parts[-1][before:])
            del parts[-2][before:]
        parts[-1].append(line)
    return ["\n".join(line for line in part if TOGETHER not in line) for part in parts[1:]]


def mistakes_fail(sources, compiler, options, report):
    """True if the compiler rejects each file as it says. Compiles all of them as one source, and again, alone, those whose one
    error is not found in the output as it should be: another file's error may have come first."""
    left = []
    for flags, chosen in by_flags(sources):
        _, output, _ = run_together(chosen, compiler, [*options, *compiler.no_limit, *flags])
        errors = split(output)
        for source in chosen:
            own = [error for error in errors if re.search(rf"\b{re.escape(source.name)}\b", error)]
            closing = "\n\n1 error detected" if compiler.kind == "nvcc" else ""  # which nvcc says once
            if len(own) == 1 and not faults_in(own[0].rstrip("\n") + closing, source, Expectation(source), compiler):
                report(f"{source.name}: {compiler.kind}: ok")
            else:
                left.append(source)
    report(f"{compiler.kind}: {len(left)} of {len(sources)} files are compiled alone")
    return all([check(source, [compiler], options, report, corrections=False) for source in left])


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
    for compiler in compilers:
        log = []
        mistakes_fail(files, compiler, [], log.append)
        wrong = [source.name for source in files
                 if (f"{source.name}: {compiler.kind}: ok" in log) != (source.name.startswith("pass_") or source.name == "reject_no_correction.cpp")]
        good = good and not wrong
        print(f"{compiler.kind}, all as one source:", "as it should be" if not wrong else f"wrong about {wrong}", *(log if wrong else []), sep="\n")
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
    if arguments.mistakes:
        return 0 if all([mistakes_fail(arguments.sources, compiler, options, print) for compiler in compilers]) else 1
    return 0 if all([check(source, compilers, options, print) for source in arguments.sources]) else 1


if __name__ == "__main__":
    sys.exit(main())
