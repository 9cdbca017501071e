#!/usr/bin/env python3
"""Compiles and runs the C++ that the documentation shows.

    extract.py source PAGE.md OUT.cpp                 the page's program
    extract.py source PAGE.md OUT.cu                  the program of its blocks for nvcc
    extract.py check PAGE.md PROGRAM [-- COMPILER..]  runs it, compares what it prints with what the page shows, and compiles
                                                      what must not compile
    extract.py rules PAGE.md...                       what must hold of all pages together
    extract.py selftest COMPILER

The ```cpp blocks of a page are one program, in order. A block that begins with a declaration (struct, template, inline,
namespace, class, using namespace) stands at namespace scope, one with a main function is called as a whole, all others are
statements of one function. Their #include lines come first. Then:

    ```text          right after a cpp block: exactly what the block prints. A block that prints is followed by one.
    ```cpp fail      must not compile, with one error; the lines of the ```text block after it occur in the compiler's output.
                     It sees the page's #include lines and the declarations before it.
    ```cpp cuda      for nvcc: these blocks are a program of their own, which is compiled where nvcc is found, and not run.
    ```cpp ignore    pseudo code, not compiled: at most two on all pages together
"""
import pathlib
import re
import subprocess
import sys
import tempfile

FENCE = re.compile(r"^```(.*)$")
DECLARATION = re.compile(r"^(struct|template|inline|namespace|class|using namespace)\b")
MAIN = re.compile(r"^int main\(\)", re.MULTILINE)
LANGUAGES = {"cpp", "cpp fail", "cpp cuda", "cpp ignore", "text", "sh", "cmake", "console", ""}
MARK = "\x1e"
MOST_IGNORED = 2


class Block:
    def __init__(self, page, kind, line, lines):
        self.page, self.kind, self.line = page, kind, line
        self.lines = lines
        self.shown = None  # the text after it

    @property
    def includes(self):
        return [text for text in self.lines if text.startswith("#include")]

    @property
    def code(self):
        """Without #include lines, which leave empty ones behind so that line numbers stay."""
        return ["" if text.startswith("#include") else text for text in self.lines]

    @property
    def is_whole(self):
        return MAIN.search("\n".join(self.lines)) is not None

    @property
    def is_declaration(self):
        first = next((text for text in self.code if text.strip() and not text.startswith("//")), "")
        return self.is_whole or bool(DECLARATION.match(first))

    def text(self):
        body = "\n".join(self.code)
        if self.is_whole:
            body = MAIN.sub(f"void main_{self.line}()", body)
        return f'#line {self.line} "{self.page}"\n{body}\n'


def blocks_of(page):
    """All fenced blocks of a page, each cpp block with the text block after it."""
    blocks, kind, start, lines = [], None, 0, []
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fence = FENCE.match(line)
        if fence and kind is None:
            kind, start, lines = fence.group(1).strip(), number + 1, []
            if kind not in LANGUAGES:
                raise SystemExit(f"{page}:{number}: the fence says '{kind}', and may say {sorted(LANGUAGES)}")
        elif fence:
            block = Block(page.name, kind, start, lines)
            if kind == "text" and blocks and blocks[-1].kind in ("cpp", "cpp fail") and blocks[-1].shown is None:
                blocks[-1].shown = lines
            blocks.append(block)
            kind = None
        elif kind is not None:
            lines.append(line)
    if kind is not None:
        raise SystemExit(f"{page}:{start}: the block does not end")
    return blocks


def unique(items):
    return list(dict.fromkeys(items))


def includes_of(blocks, kinds=("cpp", "cpp fail")):
    return unique(name for block in blocks if block.kind in kinds for name in block.includes)


def program_of(page):
    blocks = [block for block in blocks_of(page) if block.kind == "cpp"]
    return program(blocks, includes_of(blocks_of(page)))


def cuda_program_of(page):
    blocks = [block for block in blocks_of(page) if block.kind == "cpp cuda"]
    return program(blocks, includes_of(blocks, ("cpp cuda",)))


def program(blocks, includes):
    parts = ["\n".join(unique(includes + ["#include <iostream>"])) + "\n"]
    parts += [block.text() for block in blocks if block.is_declaration]
    parts.append("int main() {\n")
    for block in blocks:
        if block.is_declaration and not block.is_whole:
            continue
        parts.append(f'std::cout << "\\036{block.line}\\n";\n')
        parts.append(f"main_{block.line}();\n" if block.is_whole else block.text())
    parts.append("}\n")
    return "".join(parts)


def squeezed(text):
    """Quotes and white space differ between compilers."""
    return re.sub(r"\s+", " ", text.replace("‘", "'").replace("’", "'")).strip()


def stripped(lines):
    lines = [line.rstrip() for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def output_faults(page, program):
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run([str(pathlib.Path(program).resolve())], cwd=folder, text=True, errors="replace",
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    printed = {}
    for part in result.stdout.split(MARK)[1:]:
        line, _, text = part.partition("\n")
        printed[int(line)] = stripped(text.splitlines())
    if result.returncode != 0:
        output = result.stdout.replace(MARK, "block at line ")
        yield f"{page}: the program ends with status {result.returncode} and this output:\n{output}"
        return
    for block in blocks_of(page):
        if block.kind != "cpp" or (block.is_declaration and not block.is_whole):
            continue
        shown = stripped(block.shown or [])
        if printed.get(block.line, []) != shown:
            real = printed.get(block.line, [])
            yield "\n".join([f"{page}:{block.line}: the page shows", *shown, "and the program prints", *real])


def refusal_faults(page, compiler):
    """All mistakes of a page in one compilation (they are errors of different functions, so none hides another)."""
    blocks = blocks_of(page)
    mistakes = [block for block in blocks if block.kind == "cpp fail"]
    if not mistakes:
        return
    source = "\n".join(includes_of(blocks)) + "\n"
    for block in blocks:
        if block.kind == "cpp" and block.is_declaration and not block.is_whole:
            source += block.text()
        elif block.kind == "cpp fail":
            source += block.text() if block.is_declaration else f"void shown_{block.line}() {{\n{block.text()}}}\n"
    result = subprocess.run([*compiler, "-fsyntax-only", "-x", "c++", "-"], input=source, text=True, errors="replace",
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    errors = [line for line in result.stdout.splitlines() if re.search(r"\berror:", line)]
    if len(errors) != len(mistakes):
        yield (f"{page}: {len(mistakes)} blocks should not compile, with one error each, and there are {len(errors)} errors:\n"
               f"{result.stdout}")
    output = squeezed(result.stdout)
    for block in mistakes:
        lines = range(block.line, block.line + len(block.lines))
        if not any(f"{block.page}:{line}:" in result.stdout for line in lines):
            yield f"{page}:{block.line}: no error leads to this block:\n{result.stdout}"
        elif not block.shown:
            yield f"{page}:{block.line}: no text block shows what the compiler says"
        else:
            for line in block.shown:
                if squeezed(line) not in output:
                    yield f"{page}:{block.line}: the compiler does not say '{line.strip()}', but\n{result.stdout}"


def rule_faults(pages):
    ignored = [f"{page}:{block.line}" for page in pages for block in blocks_of(page) if block.kind == "cpp ignore"]
    if len(ignored) > MOST_IGNORED:
        yield f"{len(ignored)} blocks are ignored, and may be {MOST_IGNORED}: {' '.join(ignored)}"
    for page in pages:
        folder = page.resolve().parent
        text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            if not (folder / target).exists():
                yield f"{page}: links to {target}, which is not there"


def selftest(compiler):
    page = """text
```cpp
#include <string>
struct pair { int a, b; };
```
```cpp
pair p{1, 2};
std::cout << p.a << '\\n';
```
```text
1
```
```cpp fail
static_assert(sizeof(pair) == 1, "a pair is small");
```
```text
a pair is small
```
```cpp
std::cout << p.b << '\\n';
```
```text
3
```
```cpp cuda
pair r{3, 4};
```
```cpp fail
pair q{1, 2};
```
```text
this compiles
```
"""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "page.md"
        path.write_text(page)
        source, program = pathlib.Path(folder) / "page.cpp", pathlib.Path(folder) / "page"
        source.write_text(program_of(path))
        subprocess.run([compiler, "-std=c++20", str(source), "-o", str(program)], check=True)
        cuda = cuda_program_of(path)
        if "pair r{3, 4};" not in cuda or "pair p{1, 2};" in cuda or "pair r" in source.read_text():
            print("selftest: the blocks for nvcc are not a program of their own:", cuda, sep="\n")
            return ["selftest"]
        faults = [*output_faults(path, program), *refusal_faults(path, [compiler, "-std=c++20", "-w"])]
    expected = ["the page shows\n3\nand the program prints\n2", "2 blocks should not compile", "no error leads to this block"]
    good = len(faults) == len(expected) and all(words in fault for words, fault in zip(expected, faults))
    print("selftest passes" if good else "\n".join(["selftest fails:", *faults]))
    return [] if good else ["selftest"]


def main():
    command, arguments = sys.argv[1], sys.argv[2:]
    faults = []
    if command == "source":
        make = cuda_program_of if arguments[1].endswith(".cu") else program_of
        pathlib.Path(arguments[1]).write_text(make(pathlib.Path(arguments[0])))
    elif command == "check":
        page = pathlib.Path(arguments[0])
        faults = [*output_faults(page, arguments[1]), *refusal_faults(page, arguments[3:])]
    elif command == "rules":
        faults = [*rule_faults([pathlib.Path(name) for name in arguments])]
    elif command == "selftest":
        faults = selftest(arguments[0] if arguments else "c++")
    else:
        raise SystemExit(__doc__)
    print(*faults, sep="\n\n", end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
