"""What every page must be for everybody: in light and dark, on a wide screen and on one of 320 pixels, by keyboard and by finger."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from authenticator.testing.client import Browser
from authenticator.testing.people import Account

VIEWS = ((1280, "light"), (320, "dark"))  # no rule of the stylesheet needs both: all four would find nothing more in twice the time
TARGET = 44  # pixels: what a finger hits
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "resultTypes": ["violations"],  # to describe each element that passed takes longer than to look at it
}

# Links within a sentence are as high as their line (WCAG 2.2, 2.5.8); a box to tick is hit by its label too.
SMALL = f"""() => [...document.querySelectorAll("a[href], button, input, select, summary, label")].filter(one => {{
  const sentence = one.matches("a") && getComputedStyle(one).display === "inline";
  const unseen = one.matches(".skip, [type=hidden], [type=checkbox], [type=radio]") || !one.checkVisibility();
  if (sentence || unseen || one.matches("label:not(.check label)")) return false;
  const box = one.getBoundingClientRect();
  return Math.round(box.height) < {TARGET} || Math.round(box.width) < 24;
}}).map(one => one.outerHTML.slice(0, 200))"""

# The keyboard goes there: each shows it, by a ring that is not the element's colour.
UNMARKED = """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary")].filter(one => {
  if (!one.checkVisibility() || one.disabled) return false;
  one.focus({focusVisible: true, preventScroll: true});
  const style = getComputedStyle(one);
  return style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2;
}).map(one => one.outerHTML.slice(0, 200))"""


def is_for_everybody(page: Page) -> None:
    """axe-core finds nothing, nothing is too small or scrolls sideways, focus is seen, and the page has one heading."""
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe()
    assert page.locator("h1").count() == 1, "a page has one heading of the first rank"
    for width, scheme in VIEWS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "it must be scrolled sideways"
        assert page.evaluate(SMALL) == [], f"too small for a finger at {width} pixels"
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.evaluate("document.getAnimations().forEach(animation => animation.finish())")  # colours fade from one scheme to the other
        found = axe.run(page, options=RULES).response["violations"]
        assert [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found] == [], f"{scheme}, {width} pixels"
    focused: Any = page.evaluate_handle("document.activeElement")
    assert page.evaluate(UNMARKED) == [], "focus can't be seen"
    focused.evaluate("one => one.focus()")


def enter(page: Page, live: str, person: Account) -> None:
    """Be signed in as this person."""
    bring_cookies(page, live, person.browser())


def bring_cookies(page: Page, live: str, browser: Browser) -> None:
    """Be signed in as whoever is signed in in this browser without a window."""
    page.context.add_cookies([{"name": f"auth_{name}", "value": browser.cookie(name), "url": live} for name in ("session", "browser")])


def sign_in(page: Page, live: str, person: Account) -> None:
    """Sign in on the page, with the password."""
    first_step(page, live, person)
    page.wait_for_url("**/account*")


def first_step(page: Page, live: str, person: Account) -> None:
    """Send the password, whatever comes after it."""
    page.goto(f"{live}/sign-in")
    page.locator("#password-email").fill(person.email)
    page.locator("#password-password").fill(person.password)
    page.locator("#password-password").press("Enter")


def sign_out(page: Page, live: str) -> None:
    """Sign out with the button of the account page."""
    page.goto(f"{live}/account")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in*")
