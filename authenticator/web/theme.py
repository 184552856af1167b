"""The operator's colour, made readable: one shade for light and one for dark pages."""

from __future__ import annotations

LIGHT_PAGE = "#f4f4f1"  # darker than the cards on it, so what can be read here can be read there
WHITE = "#ffffff"
DARK_CARD = "#1b1c21"
DARK_INK = "#14172b"
READABLE = 4.5  # WCAG 2.2 §1.4.3


def sheet(accent: str) -> str:
    """A stylesheet that sets the accent to `#rrggbb`, darkened or lightened until it can be read (or nothing)."""
    if not accent:
        return ""
    light, dark = shade(accent, LIGHT_PAGE), shade(accent, DARK_CARD)
    return (
        f":root {{ --accent: {light}; --on-accent: {WHITE}; }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ --accent: {dark}; --on-accent: {DARK_INK}; }} }}\n"
    )


def shade(colour: str, ground: str) -> str:
    """The colour, moved away from the ground's brightness in small steps until the contrast is enough."""
    target = 0 if luminance(ground) > 0.5 else 255
    found = colour
    for step in range(21):
        found = _mixed(colour, target, step / 20)
        if contrast(found, ground) >= READABLE:
            break
    return found


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of `#rrggbb`, 0 to 1 (WCAG 2.2)."""
    red, green, blue = (_linear(value / 255) for value in _rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _mixed(colour: str, target: int, share: float) -> str:
    return "#" + "".join(f"{round(value + (target - value) * share):02x}" for value in _rgb(colour))
