import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from cellwright.testing.browser import Screen, View, open_screen
from cellwright.testing.web import WebPlant
from cellwright.web.shell import release

CALL = """async ([module, name, given]) => (await import(module))[name](...given)"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def screens(browser: Browser, web: WebPlant, session: str) -> AsyncIterator[dict[str, Screen]]:
    async with (
        open_screen(browser, web.address, session=session, view=View(language="en")) as english,
        open_screen(browser, web.address, session=session, view=View(language="zh")) as chinese,
    ):
        for each in (english, chinese):
            await each.open("/styleguide?show=light")
        yield {"en": english, "zh": chinese}


async def call(screen: Screen, module: str, name: str, *given: Any) -> Any:
    return await screen.page.evaluate(CALL, [f"/static/{release()}/app/{module}.js", name, list(given)])


@pytest.mark.parametrize(
    ("name", "given", "english", "chinese"),
    [
        ("quantity", (3.2145, "v", {"digits": 3}), "3.215 V", "3.215 V"),
        ("quantity", (0.982, "ratio"), "98.2 %", "98.2 %"),
        ("quantity", (1_250_000, "mm"), "1,250.0 m", "1,250.0 m"),
        ("quantity", (-0.5, "c"), "\N{MINUS SIGN}0.5 °C", "\N{MINUS SIGN}0.5 °C"),
        ("quantity", (None, "v"), "unknown", "未知"),
        ("duration", (320_000,), "320 ms", "320 毫秒"),
        ("duration", (7_500_000_000,), "2 h 5 min", "2 小时 5 分"),
        ("duration", (86_400_000_000,), "1 d", "1 天"),
        ("age", (59_900_000,), "59 s", "59 秒"),
        ("age", (None,), "unknown", "未知"),
        ("dateTime", (1_772_373_909_000_000,), "2026-03-01 14:05:09", "2026-03-01 14:05:09"),
        ("dateTime", (None,), "unknown", "未知"),
        ("t", ("table.count", {"n": 1}), "1 row", "共 1 行"),
        ("t", ("table.count", {"n": 1200}), "1,200 rows", "共 1,200 行"),
        ("rate", ({"ratio": 0.98, "n": 412, "lower_ratio": 0.964},), "98.0 % of 412, at least 96.4 %", None),
        ("rate", ({"ratio": None, "n": 0},), "unknown", "未知"),
        ("word", ("machine", "made_up_by_a_newer_server"), "made up by a newer server", None),
    ],
)
async def test_values_are_written_as_people_read_them(
    screens: dict[str, Screen], name: str, given: tuple[Any, ...], english: str, chinese: str | None
) -> None:
    expected = {"en": english, "zh": chinese}
    for language, screen in screens.items():
        said = (await call(screen, "i18n", name, *given)).replace("\xa0", " ")
        assert expected[language] is None or said == expected[language]


@pytest.mark.parametrize(
    ("code", "english", "chinese"),
    [
        ("torque_07_nm", "Torque of bolt 7", "螺栓扭矩 7"),
        ("energy_80_j", "Energy of joint 80", "焊点能量 80"),
        ("energy_low_j", "Lowest weld energy", "最小焊接能量"),
        ("made_12_up", "made 12 up", "made 12 up"),
    ],
)
async def test_one_of_many_alike_has_their_word_and_its_number(
    screens: dict[str, Screen], code: str, english: str, chinese: str
) -> None:
    assert await call(screens["en"], "objects", "characteristic", code) == english
    assert await call(screens["zh"], "objects", "characteristic", code) == chinese


@pytest.mark.parametrize(
    ("value", "limits", "digits"),
    [
        (4, {"lower": 4, "upper": 4}, 0),
        (900, {"lower": 10_402, "upper": 10_402}, 0),
        (8.938, {"lower": 8.55, "upper": 9.45}, 3),
        (0.25, {"lower": 0.25, "upper": 0.25}, 3),
    ],
)
async def test_what_must_be_one_whole_number_is_shown_whole(
    screens: dict[str, Screen], value: float, limits: dict[str, float], digits: int
) -> None:
    assert await call(screens["en"], "objects", "digitsOf", value, limits) == digits


async def test_a_change_replaces_fields_and_rows(screens: dict[str, Screen]) -> None:
    data = {"count": 1, "same": "x", "rows": [{"id": "a", "n": 1}, {"id": "b", "n": 2}, {"id": "c", "n": 3}]}
    change = {
        "fields": {"count": 2},
        "lists": {"rows": {"key": ["id"], "rows": [{"id": "b", "n": 9}, {"id": "d", "n": 4}], "gone": [["a"]]}},
    }
    assert await call(screens["en"], "live", "applyChange", data, change) == {
        "count": 2,
        "same": "x",
        "rows": [{"id": "b", "n": 9}, {"id": "c", "n": 3}, {"id": "d", "n": 4}],
    }


# What an independent reader of QR codes understood; version 1, 2 with an alignment pattern, Chinese, and the longest.
@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("A", "2bae48594b732587"),
        ("0CWPB8A1300001B71000042", "82f6f94da232b25e"),
        ("电芯 42", "bd8f31d7e12ccc48"),
        ("q" * 211, "11adbfd00530ff34"),
    ],
)
async def test_qr_codes_stay_readable(screens: dict[str, Screen], text: str, digest: str) -> None:
    grid: list[list[bool]] = await call(screens["en"], "components/qr_encode", "encode", text)
    drawn = "\n".join("".join(str(int(each)) for each in row) for row in grid)
    assert hashlib.sha256(drawn.encode()).hexdigest()[:16] == digest


async def test_a_text_too_long_for_a_qr_code_is_said_so(screens: dict[str, Screen]) -> None:
    assert await call(screens["en"], "components/qr_encode", "encode", "q" * 220) is None


async def test_paper_gets_rows_that_the_screen_leaves_out(screens: dict[str, Screen]) -> None:
    page = screens["en"].page
    rows = page.locator(".table-virtual tbody tr[data-index]")
    seen = await rows.count()
    await page.emulate_media(media="print")
    await page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    await expect(rows).to_have_count(2_000)
    await expect(page.locator(".table-virtual + .table-count, .table-virtual .table-count")).to_contain_text(["Export"])
    await expect(page.locator(".sidenav, .topbar, .table-tools").locator("visible=true")).to_have_count(0)
    await page.emulate_media(media="screen")
    await page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    await expect(rows).to_have_count(seen)
