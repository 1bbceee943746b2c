import gzip
import re
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

import evsed
from evsed.services.http.pages import page_routes

WEB = Path(evsed.__file__).parent / "web"
PAGES = sorted(WEB.glob("*.html"))


def route(folder, path):
    return next(one for one in page_routes(folder) if one.path == path)


async def ask(folder, path, **headers):
    return await route(folder, path).handler(make_mocked_request("GET", path, headers=headers))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "index.html").write_text("<p>start</p>")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.js").write_text("let a;")
    (tmp_path / "notes.txt").write_text("not for the browser")
    (tmp_path / "__init__.py").write_text("")
    return tmp_path


def test_only_files_for_the_browser_have_a_path(folder):
    paths = {one.path for one in page_routes(folder)}
    assert paths == {"/", "/index.html", "/deep/a.js"}


async def test_a_page_is_answered_with_its_type(folder):
    answer = await ask(folder, "/deep/a.js")
    assert (answer.status, answer.body, answer.content_type) == (200, b"let a;", "text/javascript")


async def test_a_browser_that_has_this_version_is_told_so(folder):
    tag = (await ask(folder, "/")).headers["ETag"]
    again = await ask(folder, "/", **{"If-None-Match": f'"other", W/{tag}'})
    assert (again.status, again.body) == (304, None)
    assert (await ask(folder, "/", **{"If-None-Match": '"other"'})).status == 200


def _named(file):
    """Return the files that one file makes the browser load; not where its links lead."""
    text = file.read_text()
    if file.suffix == ".html":
        named = re.findall(r'<(?:link|script|use|img)\b[^>]*?(?:href|src)="([^"#]+)', text)
    elif file.suffix == ".js":
        named = re.findall(r'(?:from|import) *\(?"\./([^"]+)"', text)
        named += re.findall(r"symbols\.svg", text)
    else:
        named = []
    return {WEB / name for name in named}


def _loaded(page):
    """Return all the files that opening a page loads, itself included."""
    loaded, waiting = set(), {WEB / page}
    while waiting:
        file = waiting.pop()
        loaded.add(file)
        waiting |= _named(file) - loaded
    return loaded


@pytest.mark.parametrize(
    ("page", "files", "kilobytes", "compressed"),
    [("index.html", 16, 80, 30), ("scripts.html", 26, 130, 45), ("api.html", 10, 40, 15)],
)
def test_what_a_page_loads_is_small_enough_for_a_slow_link(page, files, kilobytes, compressed):
    bodies = [file.read_bytes() for file in _loaded(page)]
    assert 5 < len(bodies) <= files
    assert sum(map(len, bodies)) <= kilobytes * 1000
    assert sum(len(gzip.compress(body)) for body in bodies) <= compressed * 1000


def test_every_shipped_file_is_loaded_by_some_page():
    loaded = set().union(*(_loaded(page.name) for page in PAGES))
    shipped = {file for file in WEB.rglob("*.*") if file.is_file()}
    assert shipped == loaded


@pytest.mark.parametrize("file", sorted(WEB.rglob("*.*")), ids=lambda file: file.name)
def test_the_page_names_no_other_host(file):
    text = file.read_text().replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|//cdn|@import", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_no_inline_script_or_style(page):
    text = page.read_text()
    assert not re.search(r"<style|style=|<script(?![^>]*src=)|\son\w+=", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_a_page_names_exists(page):
    named = re.findall(r'(?:href|src)="([^"#/][^"#]*)', page.read_text())
    assert named
    assert [name for name in named if not (WEB / name).is_file()] == []


WORDS = WEB / "scripts-words.js"


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


def test_every_symbol_that_is_used_is_drawn():
    drawn = set(re.findall(r'symbol id="(\w+)"', (WEB / "symbols.svg").read_text()))
    sources = "".join(file.read_text() for file in WEB.glob("*.[jh]*"))
    used = set(re.findall(r'symbols\.svg#(\w+)|icon: "(\w+)"', sources))
    assert {a or b for a, b in used} <= drawn


def _colors(css):
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6});", block))
        for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    )
    return {"light": light, "dark": light | dark}


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
PAIRS += [("go-ink", "go")]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "on"), PAIRS)
def test_text_has_enough_contrast(theme, ink, on):
    colors = _colors((WEB / "style.css").read_text())[theme]
    assert _contrast(colors[ink], colors[on]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["keyword", "string", "number", "known", "comment"])
def test_colored_code_has_enough_contrast(theme, kind):
    css = (WEB / "scripts.css").read_text()
    name = re.search(rf"\.lua-{kind} \{{\s*color: var\(--([\w-]+)\)", css)[1]
    colors = _colors((WEB / "style.css").read_text())[theme] | _colors(css)[theme]
    assert min(_contrast(colors[name], colors[on]) for on in ("sunken", "fault-wash")) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("on", ["surface", "sunken"])
def test_edges_of_controls_can_be_seen(theme, on):
    colors = _colors((WEB / "style.css").read_text())[theme]
    assert _contrast(colors["edge"], colors[on]) >= 3
