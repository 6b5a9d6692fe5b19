from __future__ import annotations

import base64
import datetime as dt
import io
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from explorer.data.dataset import Dataset, open_dataset
from explorer.views.card import card, text


def image(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (2, 2), "red").save(file, kind)
    return file.getvalue()


def uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


SVG = "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
PNG = image("PNG")


def dataset(label: str | None = None, **columns: Any) -> Dataset:
    n = len(next(iter(columns.values())))
    table = pa.table({"x": np.arange(n, dtype=np.float32), "y": np.zeros(n, np.float32), **columns})
    return open_dataset(table, label=label, name="Cards")


def test_markup_stays_the_text_that_it_is():
    evil = "<script>alert(1)</script>"
    made = card(dataset(label="word", word=[evil, "b"], note=[f"{evil} & more", "c"]), 0)
    assert made["title"] == evil
    assert ("note", f"{evil} & more") in made["fields"]


def test_a_row_without_a_label_is_named_by_its_number():
    assert card(dataset(score=np.arange(2000.0)), 1234)["title"] == "Row 1,234"
    assert card(dataset(label="word", word=["a", None, "c"]), 1)["title"] == "Row 1"


def test_what_is_missing_is_left_out_and_the_color_comes_first():
    data = dataset(label="word", word=["a", "b"], one=[None, "x"], two=[1.5, np.nan], kind=["k", "l"])
    assert card(data, 0, color_by="kind")["fields"] == [("kind", "k"), ("two", "1.5")]
    assert card(data, 1, color_by="two")["fields"] == [("one", "x"), ("kind", "l")]
    assert card(data, 1, color_by="no such column", most=1)["fields"] == [("one", "x")]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (float("nan"), ""),
        (True, "yes"),
        (False, "no"),
        (1234567.5, "1,234,568"),
        (1e20, "1e+20"),
        (-0.000012, "-1.2e-05"),
        (0.1 + 0.2, "0.3"),
        (float("inf"), "inf"),
        (10**15, "1000000000000000"),
        (b"\x00\x01", "2 bytes"),
        (dt.date(2020, 1, 2), "2020-01-02"),
        ([1, 2], "[1, 2]"),
        ("", ""),
    ],
    ids=str,
)
def test_values_are_written_for_a_person(value: object, written: str):
    assert text(value) == written


def test_long_text_is_cut():
    made = card(dataset(label="word", word=["w" * 10_000, "b"], note=["n" * 400, "n" * 401]), 0)
    assert len(made["title"]) == 400
    assert made["title"].endswith("w…")
    assert dict(made["fields"])["note"] == "n" * 400
    assert len(text("n" * 401)) == 400


@pytest.mark.parametrize(("kind", "name"), [("PNG", "png"), ("JPEG", "jpeg"), ("GIF", "gif"), ("WEBP", "webp")])
def test_the_bytes_of_an_image_are_shown_as_what_they_are(kind: str, name: str):
    data = image(kind)
    assert card(dataset(picture=[data, PNG], word=["a", "b"]), 0)["image"] == uri(name, data)


@pytest.mark.parametrize(
    "value",
    [SVG.encode(), b"<html>", b"", b"%PDF-1.7", b"RIFF\x24\x00\x00\x00WAVEfmt ", PNG + bytes(600_000)],
    ids=["svg", "html", "empty", "pdf", "wave", "too large"],
)
def test_bytes_that_are_no_small_image_are_not_shown(value: bytes):
    assert card(dataset(picture=[value, PNG], word=["a", "b"]), 0)["image"] is None


@pytest.mark.parametrize(
    "value",
    [
        uri("svg+xml", SVG.encode()),
        f"data:image/svg+xml,{SVG}",
        "data:image/png,notbase64",
        "data:image/pngx;base64,AAAA",
        uri("png", bytes(600_000)),
    ],
    ids=["svg", "svg as text", "not base64", "another type", "too large"],
)
def test_data_uris_other_than_of_small_images_are_not_shown(value: str):
    data = dataset(picture=[value, uri("png", PNG)], word=["a", "b"])
    assert data.roles["picture"] == "image"
    assert card(data, 0)["image"] is None
    assert card(data, 1)["image"] == uri("png", PNG)


@pytest.mark.parametrize("value", ["javascript:alert(1)", "http://example.org/spy.png", "//example.org/a.png", "/etc/passwd.png", "a.png"])
def test_nothing_is_fetched_for_a_picture(value: str):
    data = dataset(picture=[value, "b.png"], word=["a", "b"])
    made = card(data, 0)
    assert made["image"] is None


def test_an_image_is_no_field():
    made = card(dataset(picture=[PNG, PNG], word=["a", "b"]), 0)
    assert "picture" not in dict(made["fields"])
