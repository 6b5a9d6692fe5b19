"""What can be worked with has a name for screen readers, also where the widgets' library leaves it without one."""

from __future__ import annotations

from collections.abc import Callable

from tests.browser.conftest import Watched

Open = Callable[..., Watched]

ROLES = {
    "button",
    "textbox",
    "combobox",
    "slider",
    "checkbox",
    "radio",
    "spinbutton",
    "searchbox",
    "link",
    "switch",
    "treeitem",
    "toolbar",
    "navigation",
}


def test_whatever_can_be_worked_with_has_a_name(server: str, open_page: Open):
    watched = open_page(f"{server}?dataset=wordnet-10k")
    watched.settle()
    reader = watched.page.context.new_cdp_session(watched.page)

    def nameless() -> list[str]:
        nodes = [node for node in reader.send("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
        roles = [(node["role"]["value"], node.get("name", {}).get("value")) for node in nodes if "role" in node]
        assert sum(role == "slider" for role, _ in roles) > 3, "the parameters are there"
        return [role for role, name in roles if role in ROLES and not name]

    watched.wait_until(lambda: not nameless(), "everything has one")
