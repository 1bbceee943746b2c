#!/usr/bin/env python3
"""Make the browser's libraries anew, from npm's packages in exactly the versions of the lock file.

    .ci/web-vendor/build.py          write them
    .ci/web-vendor/build.py --check  compare them with what is committed; 1 when they differ

Needs the network, npm and node. The results are committed, as a package is built without network:
readable modules, their licences, and a manifest with version, licence and SHA-256 of each.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WEB = Path("evsed/web/assets/vendor")
TESTS = Path("tests/browser/vendor")

#: result, what it is made of, and the packages in it
BUNDLES = {
    WEB / "preact.js": (
        "preact.entry.js",
        ["preact", "htm", "@preact/signals", "@preact/signals-core"],
    ),
    WEB / "uplot.js": ("uplot.entry.js", ["uplot"]),
}
#: result, file of a package that is taken as it is
COPIES = {
    WEB / "uplot.css": ("uplot", "dist/uPlot.min.css"),
    TESTS / "axe.min.js": ("axe-core", "axe.min.js"),
}


def main() -> int:
    """Build; compare or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as scratch:
        made = build(Path(scratch))
    if check:
        return compare(made)
    for path, body in made.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_bytes(body)
        print(f"{len(body):8} {path}")
    return 0


def build(scratch: Path) -> dict[Path, bytes]:
    """Return every file that comes out."""
    for file in HERE.glob("*.js*"):
        shutil.copy(file, scratch)
    run(scratch, "npm", "ci", "--no-audit", "--no-fund", "--silent")
    made: dict[Path, bytes] = {}
    parts: dict[Path, list[str]] = {}
    for path, (entry, packages) in BUNDLES.items():
        run(
            scratch,
            *("npx", "esbuild", entry, "--bundle", "--format=esm", "--target=es2020"),
            *("--legal-comments=none", "--log-level=error", "--outfile=out.js"),
        )
        made[path], parts[path] = (scratch / "out.js").read_bytes(), packages
    for path, (package, file) in COPIES.items():
        made[path], parts[path] = (folder(scratch, package) / file).read_bytes(), [package]
    for place in (WEB, TESTS):
        mine = {path: names for path, names in parts.items() if path.parent == place}
        made[place / "LICENSES.txt"] = licences(scratch, mine)
        made[place / "manifest.json"] = manifest(scratch, mine, made)
    return made


def manifest(scratch: Path, parts: dict[Path, list[str]], made: dict[Path, bytes]) -> bytes:
    """Return what each file is made of, and its hash."""
    listed = {
        path.name: {
            "sha256": hashlib.sha256(made[path]).hexdigest(),
            "packages": [
                {key: about(scratch, name)[key] for key in ("name", "version", "license")}
                for name in names
            ],
        }
        for path, names in parts.items()
    }
    return (json.dumps(listed, indent=2) + "\n").encode()


def licences(scratch: Path, parts: dict[Path, list[str]]) -> bytes:
    """Return the licences of all packages, one below the other."""
    names = dict.fromkeys(name for packages in parts.values() for name in packages)
    texts = []
    for name in names:
        found = about(scratch, name)
        text = (folder(scratch, name) / "LICENSE").read_text()
        texts.append(f"{name} {found['version']} ({found['license']})\n\n{text.strip()}\n")
    return f"\n{'-' * 78}\n\n".join(texts).encode()


def about(scratch: Path, package: str) -> dict[str, str]:
    """Return a package's own description."""
    return json.loads((folder(scratch, package) / "package.json").read_text())


def folder(scratch: Path, package: str) -> Path:
    """Return where npm has put a package."""
    return scratch / "node_modules" / package


def run(scratch: Path, *words: str) -> None:
    """Run a command in the scratch folder."""
    subprocess.run(words, cwd=scratch, check=True)


def compare(made: dict[Path, bytes]) -> int:
    """Say which committed files are not what comes out."""
    differing = [
        path
        for path, body in made.items()
        if not (ROOT / path).is_file() or (ROOT / path).read_bytes() != body
    ]
    for path in differing:
        print(f"not what the lock file makes: {path}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
