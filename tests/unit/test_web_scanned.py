import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.web.pages.links import path_of
from cellwright.web.pages.scanned import candidates

CODE = "001CB01CW32700G320000289"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CODE, CODE),
        (f"\x02{CODE}\x03\r\n", CODE),
        (f"]C1{CODE}", CODE),
        (f"http://127.0.0.1:8640/s/{CODE}", CODE),
        (f"https://id.example.org/01/09506000134352/21/{CODE}", CODE),
        (f"https://id.example.org/01/09506000134352?21={CODE}", CODE),
        ("https://x.example/a%2Fb", "a/b"),
        (f"(01)09506000134352(21){CODE}(10)L1", CODE),
        (f"0109506000134352\x1d21{CODE}", CODE),
        (f"011750600013435217271231\x1d10LOT-7\x1d21{CODE}", CODE),
        ("~WIND-01", "WIND-01"),
    ],
)
def test_the_code_is_among_the_candidates(text: str, expected: str) -> None:
    assert expected in candidates(text)


def test_the_serial_number_comes_before_the_lot() -> None:
    found = candidates("(01)09506000134352(10)LOT-7(21)SER-9")
    assert found.index("SER-9") < found.index("LOT-7")


@pytest.mark.parametrize("text", ["", " \r\n", "\x00", "http://[::1", "https://x.example", "x" * 5000])
def test_what_is_no_code_stands_for_nothing(text: str) -> None:
    assert all(0 < len(each) <= 128 for each in candidates(text))


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    found = candidates(text)
    assert len(found) <= 16
    assert all(each.isprintable() and each == each.strip() and each for each in found)


def test_a_code_that_ends_like_a_file_keeps_its_page() -> None:
    assert path_of("lot", "LOT.json") == "/lots/LOT.json.html"
    assert path_of("lot", "json") == "/lots/json"
    assert path_of("cell", "a/b#c?d") == "/units/a%2Fb%23c%3Fd"
    assert path_of("material", "web") == "/plant#material-web"
