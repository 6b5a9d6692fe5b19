from __future__ import annotations

import re

import pytest
from jinja2 import Environment
from panel import auth

from explorer.operations.login import LOGIN_PAGE, show_own_login


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth.BasicLoginHandler, "_login_template", auth.BASIC_LOGIN_TEMPLATE)
    monkeypatch.setattr(auth.LogoutHandler, "_logout_template", auth.LOGOUT_TEMPLATE)


def test_it_takes_the_place_of_panels_page_and_fetches_nothing():
    show_own_login()
    asked = {"login_endpoint": "/login", "errormessage": "", "PANEL_CDN": "https://cdn.holoviz.org/panel/"}
    page = auth.BasicLoginHandler._login_template.render(**asked)
    left = auth.LogoutHandler._logout_template.render(LOGIN_ENDPOINT="/login", PANEL_CDN="https://cdn.holoviz.org/panel/")
    for text in (page, left):
        assert not re.search(r"https?:|//|<script|url\(", text.replace("<!DOCTYPE", ""))
        assert "default-src 'none'" in text
    for field in ("username", "password"):
        assert f'<label for="{field}">' in page
        assert f'id="{field}" name="{field}"' in page
    assert 'action="./login" method="post"' in page
    assert 'role="alert"' not in page
    assert 'href="./login"' in left


def test_an_error_is_our_own_sentence_whatever_the_address_says():
    show_own_login()
    page = auth.BasicLoginHandler._login_template.render(login_endpoint="/login", errormessage="<b>Call 0900 1234</b>")
    assert "0900" not in page
    assert '<p class="error" id="error" role="alert">The name or the password is not right.</p>' in page
    assert page.count('aria-describedby="error"') == 2


def test_a_template_that_somebody_has_named_stays(monkeypatch: pytest.MonkeyPatch):
    theirs = Environment(autoescape=True).from_string("theirs")
    monkeypatch.setattr(auth.BasicLoginHandler, "_login_template", theirs)
    show_own_login()
    assert auth.BasicLoginHandler._login_template is theirs


def test_the_file_is_a_template_as_panel_takes_it():
    provider = auth.BasicAuthProvider(login_template=str(LOGIN_PAGE))
    assert "Explorer · Log in" in provider._login_template.render(login_endpoint="/login", errormessage="")
