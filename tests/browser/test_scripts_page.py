"""The Scripts page in a real browser: people write scripts, watch and mend them by clicking."""

import http.client
import re
import time

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

WIDE, PHONE, SMALL = (
    {"width": 1280, "height": 900},
    {"width": 360, "height": 740},
    {"width": 320, "height": 568},
)
VARIANTS = [(PHONE, "light"), (PHONE, "dark"), (WIDE, "light"), (WIDE, "dark")]

COUNTER = """\
-- Counts.
component.register {
  id = "counter",
  name = "Counter",
  description = "Counts as fast as it may",
  params = {
    step = { type = "number", name = "Step", default = 1 },
    loud = { type = "boolean", name = "Loud", default = false },
    greeting = { type = "string", name = "Greeting", default = "hello" },
    brokerPassword = { type = "string", name = "Broker password", default = "hush" },
  },
  start = function(params)
    print(params.greeting, params.step, params.loud, params.brokerPassword)
    return coroutine.create(function()
      local count = 0
      while true do
        count = count + params.step
        print("count", count)
        coroutine.yield(200)
      end
    end)
  end,
}
"""
BROKEN = COUNTER.replace("count = count + params.step", "count = nothing.at.all")
BROKEN_LINE = BROKEN.splitlines().index("        count = nothing.at.all") + 1
QUIET = 'component.register { id = "quiet", name = "Quiet", start = function() end }\n'


class Files:
    """The files of the scripts, as another client has them."""

    def __init__(self, daemon):
        self.daemon = daemon

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=5)
        try:
            connection.request(method, f"/dav/usr/lua/{path}", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def wait(self):
        """Until a station that has just been started serves them."""
        give_up = time.monotonic() + 15
        while (status := self.ask("GET", "")[0]) != 200:
            assert time.monotonic() < give_up, status
            time.sleep(0.05)

    def put(self, name, text):
        assert self.ask("PUT", name, text.encode())[0] in {201, 204}

    def text(self, name):
        status, body = self.ask("GET", name)
        return body.decode() if status == 200 else None

    def names(self):
        listing = self.ask("PROPFIND", "", Depth="1")[1].decode()
        return set(re.findall(r"<D:href>/dav/usr/lua/([^<]+)</D:href>", listing))


@pytest.fixture
def files(daemon):
    yield Files(daemon)
    daemon.post("config/script", {"enabled": False, "autoReload": False})
    left = Files(daemon)
    for name in left.names():
        left.ask("DELETE", name)


@pytest.fixture
def scripts_page(daemon, files, open_page):
    def open_one(viewport=WIDE, theme="light", fragment=""):
        opened = open_page(daemon, viewport, theme)
        opened.page.goto(f"{daemon.address}/scripts.html{fragment}")
        expect(opened.page.locator("#link")).to_have_attribute("data-link", "live", timeout=15_000)
        expect(opened.page.locator("#files-space")).to_contain_text("used")
        return opened

    return open_one


@pytest.fixture
def counting(daemon, files):
    """A station that runs the counter."""
    files.put("init.lua", COUNTER)
    daemon.post("config/script", {"enabled": True})
    return daemon


def press(page, name, within="body"):
    page.locator(within).get_by_role("button", name=name, exact=True).click()


def open_file(page, name):
    page.locator(f".file-name[data-path='/usr/lua/{name}']").click()
    expect(page.locator("#editor-name")).to_have_text(f"/usr/lua/{name}")


def answer(page, name=None, action="Create"):
    if name is not None:
        page.locator("#ask-field").fill(name)
    press(page, action, "#ask")
    expect(page.locator("#ask")).to_be_hidden()


def sideways(page):
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def switch(page, name):
    return page.get_by_role("switch", name=name, exact=True)


@pytest.mark.parametrize(("viewport", "theme"), VARIANTS)
def test_a_script_is_written_and_runs_by_clicking(scripts_page, files, viewport, theme):
    opened = scripts_page(viewport, theme)
    page = opened.page
    expect(page.locator("#engine-state")).to_contain_text("The engine is off")
    expect(page.locator("#components-empty")).to_contain_text("when the engine is on")
    press(page, "New file")
    answer(page, "init.lua")
    expect(page.locator("#editor-name")).to_have_text("/usr/lua/init.lua")
    page.locator("#code").fill(COUNTER)
    expect(page.locator("#editor-dirty")).to_be_visible()
    press(page, "Save")
    expect(page.locator("#editor-feedback")).to_have_text("Saved")
    assert files.text("init.lua") == COUNTER
    switch(page, "Run scripts").check()
    expect(page.locator("#engine-feedback")).to_have_text("Scripts are running")
    expect(page.locator("#output")).to_contain_text("hello\t1\tfalse\thush")
    expect(page.locator("#output")).to_contain_text("count\t3")
    card = page.locator("[data-component=counter]")
    expect(card).to_contain_text("Counts as fast as it may")
    expect(card.locator(".chip")).to_have_text("running")
    assert (opened.complaints, opened.strangers(), sideways(page)) == ([], [], 0)


def test_the_first_page_leads_to_it_and_back(daemon, open_page):
    opened = open_page(daemon)
    opened.page.get_by_role("link", name="Scripts").click()
    expect(opened.page.get_by_role("heading", name="Script engine")).to_be_visible()
    opened.page.get_by_role("link", name="Home").click()
    expect(opened.page.locator("#headline")).to_have_text("Ready")
    assert opened.complaints == []


def test_an_empty_station_offers_a_first_script_that_runs(daemon, scripts_page):
    page = scripts_page().page
    press(page, "Create init.lua")
    expect(page.locator("#editor-name")).to_have_text("/usr/lua/init.lua")
    switch(page, "Run scripts").check()
    expect(page.locator("[data-component=hello] .chip")).to_have_text("running")
    expect(page.locator("#output")).to_contain_text("state")
    assert daemon.get("config/script") == {"enabled": True, "autoReload": False}


def test_parameters_are_a_form_by_their_type(counting, scripts_page):
    page = scripts_page().page
    card = page.locator("[data-component=counter]")
    expect(card.get_by_label("Step")).to_have_value("1")
    expect(card.get_by_label("Greeting")).to_have_attribute("type", "text")
    expect(card.get_by_label("Broker password", exact=True)).to_have_attribute("type", "password")
    press(page, "Save settings", "[data-component=counter]")
    expect(card.locator(".feedback")).to_have_text("Nothing was changed")
    card.get_by_label("Step").fill("2.5")
    card.get_by_label("Loud").check()
    press(page, "Show Broker password", "[data-component=counter]")
    expect(card.get_by_label("Broker password", exact=True)).to_have_value("hush")
    press(page, "Save settings", "[data-component=counter]")
    expect(card.locator(".feedback")).to_have_text("Saved, and started again")
    expect(page.locator("#output")).to_contain_text("hello\t2.5\ttrue\thush")
    stored = {
        one["key"]: one["value"] for one in counting.get("script/components/counter")["params"]
    }
    assert stored == {"step": 2.5, "loud": True, "greeting": "hello", "brokerPassword": "hush"}


def test_an_emptied_number_goes_back_to_what_the_script_has(counting, scripts_page):
    counting.post("script/components/counter", {"params": [{"key": "step", "value": 7}]})
    page = scripts_page().page
    field = page.locator("[data-component=counter]").get_by_label("Step")
    expect(field).to_have_value("7")
    field.fill("")
    path = "/script/components/counter"  # read now and then as well
    with page.expect_request(lambda asked: asked.method == "POST" and path in asked.url) as asking:
        field.press("Enter")
    assert asking.value.post_data_json == {"params": [{"key": "step", "value": None}]}
    expect(page.locator("[data-component=counter] .feedback")).to_contain_text("Saved")


def test_what_is_typed_outlives_what_others_change(counting, scripts_page):
    page = scripts_page().page
    card = page.locator("[data-component=counter]")
    card.get_by_label("Greeting").fill("moin")
    counting.post("script/components/counter", {"params": [{"key": "step", "value": 9}]})
    expect(card.get_by_label("Step")).to_have_value("9", timeout=20_000)
    expect(card.get_by_label("Greeting")).to_have_value("moin")


def test_a_refused_setting_is_explained_at_its_field(counting, scripts_page):
    page = scripts_page().page
    card = page.locator("[data-component=counter]")
    field = card.get_by_label("Greeting")
    expect(field).to_have_value("hello")
    field.evaluate("(one) => { one.maxLength = 9000; }")
    field.fill("x" * 5000)
    press(page, "Save settings", "[data-component=counter]")
    expect(card.locator(".feedback")).to_contain_text("Refused: greeting")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()


@pytest.mark.parametrize(
    "place", [".component-error a", ".output-line[data-kind=error] a >> nth=-1"]
)
@pytest.mark.parametrize("viewport", [WIDE, PHONE])
def test_an_error_leads_to_its_line(daemon, files, scripts_page, viewport, place):
    padding = "-- nothing here\n" * 200
    files.put("init.lua", padding + BROKEN)
    daemon.post("config/script", {"enabled": True})
    opened = scripts_page(viewport)
    page = opened.page
    line = 200 + BROKEN_LINE
    expect(page.locator("[data-component=counter] .chip")).to_have_text("failed")
    expect(page.locator("#output-news")).to_have_text(f"Error in /usr/lua/init.lua:{line}")
    page.locator(place).click()
    expect(page.locator("#editor-name")).to_have_text("/usr/lua/init.lua")
    expect(page.locator("#editor-feedback")).to_have_text(f"Line {line}")
    expect(page.locator("#code")).to_be_focused()
    chosen = page.locator("#code").evaluate(
        "(area) => area.value.slice(0, area.selectionStart).split('\\n').length"
    )
    assert chosen == line
    expect(page.locator("#code-mark")).to_be_in_viewport()
    expect(page.locator("#code-numbers")).to_contain_text(str(line))
    assert page.evaluate("location.hash") == f"#/usr/lua/init.lua:{line}"
    assert opened.complaints == []


def test_the_marked_line_is_the_line_of_the_error(daemon, files, scripts_page):
    files.put("init.lua", "-- nothing here\n" * 200 + BROKEN)
    page = scripts_page(fragment=f"#/usr/lua/init.lua:{200 + BROKEN_LINE}").page
    expect(page.locator("#code-mark")).to_be_in_viewport()
    under = page.evaluate(
        """() => {
          const mark = document.getElementById('code-mark').getBoundingClientRect();
          const walker = document.createTreeWalker(
            document.getElementById('code-colors'), NodeFilter.SHOW_TEXT);
          const range = document.createRange();
          let text = '';
          while (walker.nextNode()) {
            range.selectNodeContents(walker.currentNode);
            const box = range.getBoundingClientRect();
            const middle = (box.top + box.bottom) / 2;
            if (box.width && middle > mark.top && middle < mark.bottom) {
              text += walker.currentNode.textContent;
            }
          }
          return text.trim();
        }"""
    )
    assert under == "count = nothing.at.all"


def test_a_mended_script_is_saved_and_reloaded_by_one_button(daemon, files, scripts_page):
    files.put("init.lua", BROKEN)
    daemon.post("config/script", {"enabled": True})
    page = scripts_page().page
    page.locator(".component-error a").click()
    expect(page.locator("#editor-feedback")).to_have_text(f"Line {BROKEN_LINE}")
    page.locator("#code").fill(COUNTER)
    press(page, "Save and reload")
    expect(page.locator("[data-component=counter] .chip")).to_have_text("running")
    expect(page.locator(".component-error")).to_be_hidden()
    expect(page.locator("#output")).to_contain_text("count\t1")


def test_a_saved_script_is_reloaded_by_itself_when_that_is_switched_on(
    counting, files, scripts_page
):
    page = scripts_page().page
    switch(page, "Reload when a file changes").check()
    expect(page.locator("#engine-feedback")).to_have_text("Saved")
    assert counting.get("config/script") == {"enabled": True, "autoReload": True}
    open_file(page, "init.lua")
    page.locator("#code").fill(QUIET)
    page.keyboard.press("Control+s")
    expect(page.locator("#editor-feedback")).to_have_text(
        "Saved. The scripts reload by themselves."
    )
    expect(page.locator("[data-component=quiet]")).to_contain_text("No settings", timeout=15_000)
    expect(page.locator("[data-component=counter]")).to_have_count(0)


def test_scripts_are_reloaded_and_switched_off(counting, files, scripts_page):
    page = scripts_page().page
    expect(page.locator("[data-component=counter]")).to_be_visible()
    files.put("init.lua", QUIET)
    press(page, "Reload scripts")
    expect(page.locator("#engine-feedback")).to_have_text("Reloaded")
    expect(page.locator("[data-component=quiet] .chip")).to_have_text("idle")
    switch(page, "Run scripts").uncheck()
    expect(page.locator("#engine-feedback")).to_have_text("Scripts are stopped")
    expect(page.locator("#components-empty")).to_be_visible()
    assert counting.get("config/script")["enabled"] is False


def test_what_others_switch_shows_by_itself(daemon, scripts_page):
    page = scripts_page().page
    daemon.post("config/script", {"enabled": True, "autoReload": True})
    expect(switch(page, "Run scripts")).to_be_checked()
    expect(switch(page, "Reload when a file changes")).to_be_checked()


def test_nobody_overwrites_what_somebody_else_saved(files, scripts_page):
    files.put("a.lua", "-- one\n")
    opened = scripts_page()
    page = opened.page
    open_file(page, "a.lua")
    files.put("a.lua", "-- two, by somebody else\n")
    page.locator("#code").fill("-- three, mine\n")
    press(page, "Save")
    expect(page.locator("#conflict")).to_contain_text("somebody else has changed or deleted")
    expect(page.locator("#code")).to_have_value("-- three, mine\n")
    assert files.text("a.lua") == "-- two, by somebody else\n"
    press(page, "Load their version")
    expect(page.locator("#code")).to_have_value("-- two, by somebody else\n")
    expect(page.locator("#conflict")).to_be_hidden()
    page.locator("#code").fill("-- four\n")
    files.put("a.lua", "-- five, by somebody else\n")
    press(page, "Save")
    press(page, "Save mine over it")
    expect(page.locator("#editor-feedback")).to_have_text("Saved")
    assert files.text("a.lua") == "-- four\n"
    page.locator("#code").fill("-- six\n")
    press(page, "Save")
    expect(page.locator("#editor-feedback")).to_have_text("Saved")
    assert files.text("a.lua") == "-- six\n"


def test_a_file_that_was_changed_or_deleted_elsewhere_is_told(files, scripts_page):
    files.put("a.lua", "-- one\n")
    page = scripts_page().page
    open_file(page, "a.lua")
    files.put("a.lua", "-- two\n")
    expect(page.locator("#conflict")).to_contain_text("has changed this file", timeout=20_000)
    press(page, "Load their version")
    files.ask("DELETE", "a.lua")
    expect(page.locator("#conflict")).to_contain_text("no longer there", timeout=20_000)
    press(page, "Save mine over it")
    expect(page.locator("#editor-feedback")).to_have_text("Saved")
    assert files.text("a.lua") == "-- two\n"


def test_files_are_renamed_and_deleted_after_asking_once(files, scripts_page):
    files.put("a.lua", "-- one\n")
    files.put("b.lua", "-- other\n")
    page = scripts_page().page
    open_file(page, "a.lua")
    press(page, "More for a.lua")
    press(page, "Rename", "#files")
    answer(page, "b.lua", "Rename")
    expect(page.locator("#files-feedback")).to_have_text("Refused: b.lua is there already")
    press(page, "Rename", "#files")
    answer(page, "c d#?%.lua", "Rename")
    expect(page.locator("#files-feedback")).to_have_text("Renamed to c d#?%.lua")
    expect(page.locator("#editor-name")).to_have_text("/usr/lua/c d#?%.lua")
    page.locator("#code").fill("-- two\n")
    press(page, "Save")
    expect(page.locator("#editor-feedback")).to_have_text("Saved")
    assert files.text("c%20d%23%3F%25.lua") == "-- two\n"
    if page.locator("#files [aria-expanded=true]").count() == 0:
        press(page, "More for c d#?%.lua")
    press(page, "Delete", "#files")
    expect(page.locator("#ask-title")).to_have_text("Delete c d#?%.lua?")
    press(page, "Cancel", "#ask")
    assert files.text("c%20d%23%3F%25.lua") is not None
    press(page, "Delete", "#files")
    answer(page, action="Delete")
    expect(page.locator("#files-feedback")).to_have_text("c d#?%.lua was deleted")
    expect(page.locator("#editor-empty")).to_be_visible()
    assert files.names() == {"b.lua"}


def test_folders_are_made_and_entered_and_modules_in_them_open(files, scripts_page):
    page = scripts_page().page
    press(page, "New folder")
    answer(page, "meter")
    page.locator(".file-name[data-path='/usr/lua/meter/']").click()
    expect(page.locator("#files-folder")).to_have_text("/usr/lua/meter/")
    expect(page.locator("#files-empty")).to_be_visible()
    press(page, "New file")
    answer(page, "init.lua")
    page.locator("#code").fill("return {}\n")
    press(page, "Save")
    expect(page.locator("#editor-feedback")).to_have_text("Saved")
    assert files.text("meter/init.lua") == "return {}\n"
    page.locator("#file-up").click()
    expect(page.locator("#files-folder")).to_have_text("/usr/lua/")


def test_a_name_that_is_none_is_refused_in_the_dialog(files, scripts_page):
    page = scripts_page().page
    press(page, "New file")
    page.locator("#ask-field").fill("a/b.lua")
    press(page, "Create", "#ask")
    expect(page.locator("#ask-problem")).to_contain_text("a name cannot be empty")
    page.keyboard.press("Escape")
    expect(page.locator("#ask")).to_be_hidden()
    assert files.names() == set()


def test_files_are_uploaded_and_downloaded_as_they_are(files, scripts_page, tmp_path):
    files.put("a.lua", "-- old\n")
    binary = tmp_path / "picture.bin"
    binary.write_bytes(bytes(range(256)))
    script = tmp_path / "a.lua"
    script.write_bytes("-- ümläut\r\nreturn 1\r\n".encode())
    page = scripts_page().page
    page.locator("#upload-file").set_input_files([binary, script])
    expect(page.locator("#ask-title")).to_have_text("Replace a.lua?")
    answer(page, action="Replace")
    expect(page.locator("#files-feedback")).to_have_text("a.lua was uploaded")
    assert files.ask("GET", "picture.bin")[1] == bytes(range(256))
    press(page, "More for picture.bin")
    with page.expect_download() as downloading:
        page.locator("#files").get_by_role("link", name="Download").click()
    assert downloading.value.path().read_bytes() == bytes(range(256))
    page.locator(".file-name[data-path='/usr/lua/picture.bin']").click()
    expect(page.locator("#editor-feedback")).to_contain_text("picture.bin is not a text")
    open_file(page, "a.lua")
    page.locator("#code").fill("-- ümläut\nreturn 2\n")
    press(page, "Save")
    expect(page.locator("#editor-feedback")).to_have_text("Saved")
    assert files.ask("GET", "a.lua")[1] == "-- ümläut\r\nreturn 2\r\n".encode()


def test_changes_are_not_lost_without_asking(files, scripts_page):
    files.put("a.lua", "-- one\n")
    files.put("b.lua", "-- other\n")
    page = scripts_page().page
    open_file(page, "a.lua")
    page.locator("#code").fill("-- changed\n")
    page.locator(".file-name[data-path='/usr/lua/b.lua']").click()
    expect(page.locator("#ask-title")).to_have_text("Discard your changes to a.lua?")
    press(page, "Cancel", "#ask")
    expect(page.locator("#code")).to_have_value("-- changed\n")
    press(page, "Close", "#editor-open")
    answer(page, action="Discard")
    expect(page.locator("#editor-empty")).to_be_visible()
    assert files.text("a.lua") == "-- one\n"


def test_output_is_followed_cleared_and_downloaded(counting, scripts_page):
    page = scripts_page().page
    box = page.locator("#output")
    expect(box).to_contain_text("count\t25", timeout=20_000)

    def gap():
        return box.evaluate("(one) => one.scrollHeight - one.scrollTop - one.clientHeight")

    assert gap() < 24
    box.evaluate("(one) => { one.scrollTop = 0; }")
    expect(switch(page, "Follow")).not_to_be_checked()
    count = box.locator(".output-line").count()
    expect(box.locator(".output-line").nth(count + 3)).to_be_attached()
    assert box.evaluate("(one) => one.scrollTop") == 0
    switch(page, "Follow").check()
    assert gap() < 24
    with page.expect_download() as downloading:
        press(page, "Download", ".output-head")
    text = downloading.value.path().read_text()
    assert text.startswith("Lua 5.4")
    assert "count\t25\n" in text
    press(page, "Clear view")
    expect(box).not_to_contain_text("Lua 5.4")
    expect(box).to_contain_text("count")


def test_each_line_of_output_is_there_once_and_in_order(daemon, files, scripts_page):
    files.put("init.lua", 'for n = 1, 400 do print("line", n) end\n')
    page = scripts_page().page
    daemon.post("config/script", {"enabled": True})
    expect(page.locator("#output")).to_contain_text("line\t400")
    page.reload()
    expect(page.locator("#output")).to_contain_text("line\t400")
    lines = page.locator(".output-line").all_inner_texts()
    assert [line for line in lines if line.startswith("line")] == [
        f"line\t{n}" for n in range(1, 401)
    ]


def test_a_reload_shows_even_when_as_much_is_printed_as_before(counting, files, scripts_page):
    files.put("init.lua", 'print("only line", os.time())\n')
    page = scripts_page().page
    for times in (1, 2, 3):
        press(page, "Reload scripts")
        expect(page.get_by_text("only line")).to_have_count(times)


def test_without_an_event_stream_output_is_asked_for(counting, files, scripts_page):
    opened = scripts_page()
    page = opened.page
    opened.lose_events()
    expect(page.locator("#link-text")).to_have_text("Slow updates", timeout=20_000)
    expect(page.locator("#output")).to_contain_text("count\t2", timeout=10_000)
    files.put("init.lua", 'print("a new beginning")\n')
    press(page, "Reload scripts")
    expect(page.locator("#output")).to_contain_text("a new beginning", timeout=10_000)


@pytest.mark.parametrize(
    ("status", "words"), [(404, "switched off on this station"), (503, "Refused: not ready")]
)
def test_files_that_cannot_be_listed_are_explained_and_come_back(
    files, scripts_page, status, words
):
    files.put("a.lua", "-- one\n")
    page = scripts_page().page
    page.route("**/dav/**", lambda route: route.fulfill(status=status, body="not ready"))
    page.reload()
    expect(page.locator("#files-feedback")).to_contain_text(words)
    page.unroute("**/dav/**")
    expect(page.locator("#files .file-name").first).to_be_visible(timeout=10_000)
    expect(page.locator("#files-feedback")).to_have_text("")


def test_a_refused_switch_goes_back(daemon, scripts_page):
    page = scripts_page().page
    page.route(
        "**/api/v1/config/script",
        lambda route: (
            route.fulfill(status=500, body="could not be saved")
            if route.request.method == "POST"
            else route.continue_()
        ),
    )
    page.locator("#engine-enabled").click()
    expect(page.locator("#engine-feedback")).to_have_text("Refused: could not be saved")
    expect(switch(page, "Run scripts")).not_to_be_checked()
    assert daemon.get("config/script")["enabled"] is False


def test_what_scripts_print_and_are_called_is_never_markup(daemon, files, scripts_page):
    nasty = "<img src=x onerror=alert(1)><b>bold</b>"
    files.put(
        "init.lua",
        f'print("{nasty}")\ncomponent.register {{ id = "n", name = "{nasty}", '
        f'description = "{nasty}", start = function() error("{nasty}") end }}\n',
    )
    files.put("%3Cb%3Ex.lua", nasty)
    daemon.post("config/script", {"enabled": True})
    opened = scripts_page()
    page = opened.page
    expect(page.locator(".component-name")).to_have_text(nasty)
    expect(page.locator(".output-line").filter(has_text="onerror").first).to_be_visible()
    open_file(page, "<b>x.lua")
    expect(page.locator("#code-colors")).to_contain_text(nasty)
    assert page.locator("main img, main b").count() == 0
    assert opened.complaints == []


def test_lua_is_colored_and_every_letter_of_it_kept(scripts_page):
    page = scripts_page().page
    source = (
        "local x <const> = 0x1F.8p3 -- a note\n"
        "--[==[ long\n]] note ]==] goto done\n"
        "print('a \\' b', \"c\\\n d\", [[e\n f]], a[b[1]], 1..2, ...)\n"
        "return { [ 'k' ] = .5e-3, é = nil } - - [[ open\n end"
    )
    pieces = page.evaluate(
        """async (source) => {
          const page = document.querySelector('script').src;
          const { coloredLines } = await import(page.replace('-page', '-lua'));
          return coloredLines(source, 0, 100).map((line) => line ?? []);
        }""",
        source,
    )
    assert "\n".join("".join(text for _, text in line) for line in pieces) == source
    kinds = {(kind, text) for line in pieces for kind, text in line if kind}
    for wanted in [
        ("keyword", "local"),
        ("number", "0x1F.8p3"),
        ("comment", "-- a note"),
        ("comment", "--[==[ long"),
        ("comment", "]] note ]==]"),
        ("keyword", "goto"),
        ("known", "print"),
        ("string", "'a \\' b'"),
        ("string", '"c\\'),
        ("string", "[[e"),
        ("string", " f]]"),
        ("number", ".5e-3"),
        ("string", "[[ open"),
        ("string", " end"),
    ]:
        assert wanted in kinds
    assert ("keyword", "end") not in kinds


def test_a_part_of_a_long_text_is_colored_as_in_the_whole(scripts_page):
    page = scripts_page().page
    source = "x = [[\n" + "text\n" * 500 + "]]\nlocal y = 1\n" + "-- z\n" * 500
    same = page.evaluate(
        """async (source) => {
          const page = document.querySelector('script').src;
          const { coloredLines } = await import(page.replace('-page', '-lua'));
          const part = JSON.stringify(coloredLines(source, 495, 510));
          return part === JSON.stringify(coloredLines(source, 0, 2000).slice(495, 510));
        }""",
        source,
    )
    assert same


def test_the_editor_indents_and_lets_the_keyboard_out(files, scripts_page):
    files.put("a.lua", "")
    page = scripts_page().page
    open_file(page, "a.lua")
    code = page.locator("#code")
    code.focus()
    page.keyboard.press("Tab")
    page.keyboard.type("if x then")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("y()")
    expect(code).to_have_value("  if x then\n    y()")
    page.keyboard.press("Shift+Tab")
    expect(code).to_have_value("  if x then\n  y()")
    page.keyboard.press("Control+z")
    expect(code).to_have_value("  if x then\n    y()")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(code).not_to_be_focused()


def test_the_field_and_its_colors_lie_exactly_upon_each_other(files, scripts_page):
    files.put("a.lua", "\n".join(f"local name_{n} = {'x' * 200} -- {n}" for n in range(300)))
    page = scripts_page().page
    open_file(page, "a.lua")
    page.locator("#code").evaluate("(area) => { area.scrollTo(150, 2345); }")
    expect(page.locator("#code-colors")).to_have_attribute("style", re.compile(r"\(-[1-9]"))
    apart = page.evaluate(
        """() => {
          const area = document.getElementById('code');
          const height = parseFloat(getComputedStyle(area).lineHeight);
          const pre = document.getElementById('code-colors').getBoundingClientRect();
          const numbers = document.getElementById('code-numbers').textContent;
          const first = parseInt(numbers, 10) - 1;
          const field = area.getBoundingClientRect();
          return [pre.left - (field.left - area.scrollLeft),
                  pre.top - (field.top - area.scrollTop + first * height)];
        }"""
    )
    assert apart == [pytest.approx(0, abs=1), pytest.approx(0, abs=1)]


def test_a_long_text_is_painted_quickly(files, scripts_page):
    files.put("a.lua", "local x = 1 -- a line of some length, with words\n" * 5000)
    page = scripts_page().page
    open_file(page, "a.lua")
    page.locator("#code").press("End")
    page.keyboard.type("yz")
    expect(page.locator("#code-colors")).to_contain_text("wordsyz")
    assert page.evaluate("document.getElementById('code-colors').childNodes.length") < 800


def test_a_lost_connection_shows_and_what_is_typed_stays(own_daemon, open_page):
    files = Files(own_daemon)
    files.wait()
    files.put("a.lua", "-- one\n")
    page = open_page(own_daemon).page
    page.goto(f"{own_daemon.address}/scripts.html")
    open_file(page, "a.lua")
    page.locator("#code").fill("-- typed meanwhile\n")
    own_daemon.stop()
    expect(page.locator("#offline-banner")).to_be_visible(timeout=20_000)
    expect(page.locator("#save")).to_be_disabled()
    expect(switch(page, "Run scripts")).to_be_disabled()
    own_daemon.start()
    expect(page.locator("#offline-banner")).to_be_hidden(timeout=25_000)
    expect(page.locator("#code")).to_have_value("-- typed meanwhile\n")
    press(page, "Save")
    expect(page.locator("#editor-feedback")).to_have_text("Saved")
    assert files.text("a.lua") == "-- typed meanwhile\n"


@pytest.mark.parametrize("viewport", [SMALL, PHONE, WIDE])
def test_everything_fits_has_a_name_and_is_large_enough(counting, files, scripts_page, viewport):
    files.put("a-name-that-is-much-longer-than-the-screen-of-a-phone-is-wide.lua", "x")
    opened = scripts_page(viewport)
    page = opened.page
    expect(page.locator("[data-component=counter] input")).to_have_count(4)
    open_file(page, "init.lua")
    press(page, "More for init.lua")
    assert sideways(page) == 0
    small, nameless = page.evaluate(
        """() => {
          const all = [...document.querySelectorAll('button, select, input, textarea, a.button')]
            .filter((one) => one.offsetParent);
          const little = all.filter((one) => one.getAttribute('role') !== 'switch')
            .filter((one) => { const box = one.getBoundingClientRect();
                               return box.width < 44 || box.height < 44; });
          const silent = all.filter((one) => !one.ariaLabel && !one.labels?.length
                                             && !one.textContent.trim());
          return [little, silent].map((some) => some.map((one) => one.outerHTML));
        }"""
    )
    assert (small, nameless) == ([], [])
    assert opened.complaints == []


def test_everything_is_reached_by_the_keyboard(counting, scripts_page):
    page = scripts_page().page
    expect(page.locator("[data-component=counter] input")).to_have_count(4)
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "document.activeElement.dataset.path ?? (document.activeElement.ariaLabel"
                " || document.activeElement.labels?.[0]?.innerText.trim()"
                " || document.activeElement.innerText)"
            )
        )
    wanted = {"Run scripts", "Reload scripts", "Save settings", "Step", "/usr/lua/init.lua"}
    assert wanted | {"More for init.lua", "New file", "Upload", "Follow", "Clear view"} <= reached
