"""Colours a school chooses, and what stays readable on them (pure)."""


def choose_ink(colour: str) -> str:
    """Choose black or white for text on `colour` (`#RGB` or `#RRGGBB`), whichever contrasts more.

    Source: relative luminance and contrast ratio of WCAG 2.2; the two are equal at luminance 0.179, where
    either has 4.58:1, above the 4.5:1 that level AA asks for.
    """
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    red, green, blue = (_linearise(int(digits[index : index + 2], 16) / 255) for index in (0, 2, 4))
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "#ffffff"


def _linearise(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
