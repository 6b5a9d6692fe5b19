"""The page on which people log in where Panel asks for a name and a password, and the one after they have left; fetches nothing."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, Template
from panel.auth import BasicLoginHandler, LogoutHandler
from panel.io.resources import BASIC_LOGIN_TEMPLATE, LOGOUT_TEMPLATE

__all__ = ["LOGIN_PAGE", "show_own_login"]

LOGIN_PAGE: Final = Path(__file__).with_name("login.html")
"""A template as ``panel serve --basic-login-template`` takes it."""


def show_own_login() -> None:
    """Show our page in place of Panel's own, whose logo comes from elsewhere; a template that somebody has named stays."""
    if BasicLoginHandler._login_template is BASIC_LOGIN_TEMPLATE:  # Panel has no other way to it once a server is made
        BasicLoginHandler._login_template = _template(left=False)
    if LogoutHandler._logout_template is LOGOUT_TEMPLATE:
        LogoutHandler._logout_template = _template(left=True)


@cache
def _template(*, left: bool) -> Template:
    return Environment(autoescape=True).from_string(LOGIN_PAGE.read_text("utf-8"), globals={"left": left})
