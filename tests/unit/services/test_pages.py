"""What the browser is given: complete, small, from nowhere else, legible."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

import evsed
from evsed.services.http.pages import page_routes

WEB = Path(evsed.__file__).parent / "web"
ASSETS = WEB / "assets"
VENDOR = ASSETS / "vendor"
TEST_VENDOR = Path(__file__).parents[2] / "browser" / "vendor"
PAGES = sorted(WEB.glob("*.html"))
OWN = sorted(file for file in WEB.rglob("*.*") if file.is_file() and VENDOR not in file.parents)
SCRIPTS = [file for file in OWN if file.suffix == ".js"]


def route(folder, path):
    return next(one for one in page_routes(folder) if one.path == path)


async def ask(folder, path, **headers):
    return await route(folder, path).handler(make_mocked_request("GET", path, headers=headers))


def asset_path(folder, name):
    return next(one.path for one in page_routes(folder) if one.path.endswith(f"/{name}"))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "index.html").write_text('<link href="assets/a.js">')
    (tmp_path / "assets" / "deep").mkdir(parents=True)
    (tmp_path / "assets" / "a.js").write_text("let a;")
    (tmp_path / "assets" / "deep" / "b.js").write_text("let b = 1;\n" * 100)
    (tmp_path / "notes.txt").write_text("not for the browser")
    (tmp_path / "__init__.py").write_text("")
    return tmp_path


def test_only_files_for_the_browser_have_a_path(folder):
    paths = {re.sub(r"/\w{16}/", "/*/", one.path) for one in page_routes(folder)}
    assert paths == {"/", "/index.html", "/assets/*/a.js", "/assets/*/deep/b.js"}


async def test_a_page_is_answered_with_its_type(folder):
    answer = await ask(folder, asset_path(folder, "a.js"))
    assert (answer.status, answer.body, answer.content_type) == (200, b"let a;", "text/javascript")


async def test_a_browser_that_has_this_version_is_told_so(folder):
    tag = (await ask(folder, "/")).headers["ETag"]
    again = await ask(folder, "/", **{"If-None-Match": f'"other", W/{tag}'})
    assert (again.status, again.body) == (304, None)
    assert (await ask(folder, "/", **{"If-None-Match": '"other"'})).status == 200


async def test_a_page_points_at_assets_that_may_be_kept_for_ever(folder):
    path = asset_path(folder, "a.js")
    page = await ask(folder, "/")
    assert page.body.decode() == f'<link href="{path[1:]}">'
    assert "Cache-Control" not in page.headers  # no-cache, as every answer that says nothing
    assert "immutable" in (await ask(folder, path)).headers["Cache-Control"]


def test_another_content_has_another_path(folder):
    before = asset_path(folder, "a.js")
    (folder / "assets" / "deep" / "b.js").write_text("let b = 2;")
    assert asset_path(folder, "a.js") != before


@pytest.mark.parametrize("taken", ["gzip", "br, GZIP;q=0.5", "deflate, gzip;q=1.0", "*"])
async def test_a_browser_that_unpacks_gets_it_packed(folder, taken):
    answer = await ask(folder, asset_path(folder, "b.js"), **{"Accept-Encoding": taken})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.body) == (folder / "assets" / "deep" / "b.js").read_bytes()
    assert answer.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("taken", ["", "br", "gzip;q=0", "gzip; q=0.0", "gzippy"])
async def test_a_client_that_does_not_unpack_gets_it_as_it_is(folder, taken):
    answer = await ask(folder, asset_path(folder, "b.js"), **{"Accept-Encoding": taken})
    assert "Content-Encoding" not in answer.headers
    assert answer.body == (folder / "assets" / "deep" / "b.js").read_bytes()
    assert answer.headers["Vary"] == "Accept-Encoding"


async def test_packed_and_plain_have_tags_of_their_own(folder):
    path = asset_path(folder, "b.js")
    packed = (await ask(folder, path, **{"Accept-Encoding": "gzip"})).headers["ETag"]
    plain = (await ask(folder, path)).headers["ETag"]
    assert packed != plain
    again = await ask(folder, path, **{"Accept-Encoding": "gzip", "If-None-Match": packed})
    assert again.status == 304


# --- what is shipped ---


def _without_comments(text):
    return re.sub(r"(?m)^\s*//.*$", "", text)


def _named(file):
    """Return the files that one file makes the browser load at once; not where its links lead."""
    text = file.read_text()
    if file.suffix == ".html":
        named = re.findall(r'<(?:link|script|use|img)\b[^>]*?(?:href|src)="([^"#]+)', text)
    elif file.suffix == ".js":
        named = re.findall(r'(?m)^(?:import|export)\b[^"]*?"(\.[^"]+)"', _without_comments(text))
    else:
        named = []
    return {(file.parent / name).resolve() for name in named}


def _later(file):
    """Return the files that one file loads when they are needed."""
    if file.suffix != ".js" or VENDOR in file.parents:
        return set()
    text = _without_comments(file.read_text())
    found = re.findall(r'(?:import\(|module: |new URL\()[`"](\.?\.?/?[\w./-]+)[`"]', text)
    if file.name == "words.js":
        found += [f"../words/{one.name}" for one in (ASSETS / "words").iterdir()]
    return {(file.parent / name).resolve() for name in found} - {WEB.parent}


def _loaded(*pages, later=False):
    """Return all the files that opening a page loads, itself included."""
    loaded, waiting = set(), {WEB / page for page in pages}
    while waiting:
        file = waiting.pop()
        loaded.add(file)
        waiting |= _named(file) - loaded
        if later:
            waiting |= {one for one in _later(file) if one.is_file()} - loaded
    return loaded


def _first_view(page):
    if page != "index.html":
        return _loaded(page)
    # in the language that needs most
    return _loaded(page, "assets/pages/home.js") | {ASSETS / "words" / "de.json"}


@pytest.mark.parametrize(
    ("page", "files", "compressed"),
    [("index.html", 15, 60), ("scripts.html", 26, 60), ("api.html", 10, 15)],
)
def test_what_a_page_loads_is_small_enough_for_a_slow_link(page, files, compressed):
    bodies = [file.read_bytes() for file in _first_view(page)]
    assert 5 < len(bodies) <= files
    assert sum(len(gzip.compress(body, 9)) for body in bodies) <= compressed * 1000


def test_every_shipped_file_is_loaded_by_some_page():
    loaded = _loaded(*(page.name for page in PAGES), later=True)
    shipped = {file for file in WEB.rglob("*.*") if file.is_file()}
    assert shipped - loaded == {VENDOR / "manifest.json", VENDOR / "LICENSES.txt"}


@pytest.mark.parametrize("file", [*OWN, *sorted(VENDOR.glob("*.[jc]*"))], ids=lambda f: f.name)
def test_the_page_asks_no_other_host(file):
    text = file.read_text().replace("http://www.w3.org/", "")
    if VENDOR in file.parents:
        text = _without_comments(re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))
    assert not re.search(r"https?://|//cdn|@import", text)


@pytest.mark.parametrize("file", [*SCRIPTS, *VENDOR.glob("*.js")], ids=lambda f: f.name)
def test_nothing_evaluates_strings(file):
    assert not re.search(r"\beval\(|new Function\(", file.read_text())


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_no_text_becomes_markup(file):
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML", file.read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_no_inline_script_or_style(page):
    text = page.read_text()
    assert not re.search(r"<style|style=|<script(?![^>]*src=)|\son\w+=", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_a_page_names_exists(page):
    named = re.findall(r'(?:href|src)="([^"#/][^"#]*)', page.read_text())
    assert named
    assert [name for name in named if not (WEB / name).is_file()] == []


@pytest.mark.parametrize("folder", [VENDOR, TEST_VENDOR], ids=["shipped", "of the tests"])
def test_files_of_others_are_those_of_the_manifest(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    others = {file.name for file in folder.iterdir()} - {"manifest.json", "LICENSES.txt"}
    assert others == set(manifest)
    licences = (folder / "LICENSES.txt").read_text()
    for name, entry in manifest.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == entry["sha256"], name
        for package in entry["packages"]:
            head = f"{package['name']} {package['version']} ({package['license']})"
            assert head in licences


# --- words ---

SENTENCE = re.compile(r'\b(?:t|N)\(\s*"((?:[^"\\]|\\.)*)"')


def _sentences(files):
    return {
        json.loads(f'"{found}"')
        for file in files
        if file.suffix == ".js"
        for found in SENTENCE.findall(_without_comments(file.read_text()))
    }


LANGUAGES = [file.stem for file in (ASSETS / "words").glob("??.json")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_translated(language):
    first = json.loads((ASSETS / "words" / f"{language}.json").read_text())
    pages = json.loads((ASSETS / "words" / f"{language}-pages.json").read_text())
    home = _sentences(_first_view("index.html") | _later_of_home())
    said = _sentences(SCRIPTS)
    assert len(home) > 100
    assert sorted(home - set(first)) == []
    assert sorted(said - home - set(pages)) == []
    assert sorted((set(first) - home) | (set(pages) - (said - home))) == []
    for sentence, translated in (first | pages).items():
        assert translated.strip()
        assert set(re.findall(r"\{\w+\}", sentence)) == set(re.findall(r"\{\w+\}", translated))


def _later_of_home():
    return _loaded("assets/pages/simulator.js", "assets/kit/chart.js")


WORDS = ASSETS / "scripts-words.js"


def test_every_word_of_the_scripts_page_is_there_and_in_use():
    known = set(re.findall(r'^  "([\w.-]+)":', WORDS.read_text(), re.MULTILINE))
    html = (WEB / "scripts.html").read_text()
    code = "".join(
        file.read_text() for file in _loaded("scripts.html") - {WORDS} if file.suffix == ".js"
    )
    asked = set(re.findall(r'data-(?:word|label)="([\w.-]+)"', html))
    assert asked | set(re.findall(r'say\("([\w.-]+)"', code)) <= known
    for key in known - asked:
        assert f'"{key}"' in code or key.startswith("status."), key


def test_every_icon_that_is_used_is_drawn():
    kit = (ASSETS / "kit" / "ui.js").read_text()
    drawn = set(re.findall(r'^  (\w+): "[mM]', kit, re.MULTILINE))
    sources = "".join(file.read_text() for file in SCRIPTS)
    used = set(re.findall(r'\bicon(?:=|: )"(\w+)"|<\$\{Icon\} name="(\w+)"', sources))
    assert len(used) > 8
    assert {a or b for a, b in used} <= drawn


# --- colors ---


def _colors(css):
    """Return the colors of both themes; the dark ones stand there twice, and alike."""
    blocks = [
        (head, dict(re.findall(r"--([\w-]+): (#\w{6});", body)))
        for head, body in re.findall(r"(:root[^{]*)\{(.*?)\}", css, re.DOTALL)
    ]
    light = blocks[0][1]
    dark = [found for head, found in blocks[1:] if found]
    assert len(dark) == 2
    assert dark[0] == dark[1]
    return {"light": light, "dark": light | dark[0]}


def _luminance(color):
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one, other):
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


_GROUNDS = ("ground", "surface", "sunken", "go-wash", "wait-wash", "idle-wash", "fault-wash")
PAIRS = [(ink, on) for ink in ("ink", "muted") for on in _GROUNDS]
PAIRS += [(tone, "surface") for tone in ("go", "wait", "idle", "fault")]
PAIRS += [(tone, f"{tone}-wash") for tone in ("go", "wait", "idle", "fault")]
PAIRS += [("go-ink", "go"), ("surface", "fault")]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "on"), PAIRS)
def test_text_has_enough_contrast(theme, ink, on):
    colors = _colors((ASSETS / "style.css").read_text())[theme]
    assert _contrast(colors[ink], colors[on]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["keyword", "string", "number", "known", "comment"])
def test_colored_code_has_enough_contrast(theme, kind):
    css = (ASSETS / "scripts.css").read_text()
    name = re.search(rf"\.lua-{kind} \{{\s*color: var\(--([\w-]+)\)", css)[1]
    colors = _colors((ASSETS / "style.css").read_text())[theme] | _colors(css)[theme]
    assert min(_contrast(colors[name], colors[on]) for on in ("sunken", "fault-wash")) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("on", ["surface", "sunken"])
def test_edges_of_controls_can_be_seen(theme, on):
    colors = _colors((ASSETS / "style.css").read_text())[theme]
    assert _contrast(colors["edge"], colors[on]) >= 3
