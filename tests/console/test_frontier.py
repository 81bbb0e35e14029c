"""The page of `tranship try --leak` in a browser: light, dark, and on a phone."""

from pathlib import Path

from tests.console.live.browser import Browser
from tranship.console.frontier import DRAWN, METRIC_WORDS, FrontierPage, PointPage, render
from tranship.console.page import write


def point(budget: int, share: float) -> PointPage:
    """A budget under which the network is shown this share of 1,000 orders, and works out as much."""
    scores: dict[str, float | None] = dict.fromkeys(METRIC_WORDS, share or None)
    shown = round(1_000 * share)
    return PointPage(
        budget, 1_000, shown, 2_000, 2 * shown, 0, 2_900 + shown // 10, 0, 3_000, 9, 1_200, 5_000_000_000, 0.05 * (1 - share), 900,
        scores, dict.fromkeys(METRIC_WORDS, "counts"), dict.fromkeys(METRIC_WORDS, 0.1),
    )  # fmt: skip


def test_it_is_light_dark_and_no_wider_than_a_phone(tmp_path: Path):
    """Another ground and other ink in the dark, drawings that fit, each line in the legend, nothing to complain of."""
    points = [point(0, 0.0), point(40, 0.3), point(100, 0.9)]
    page = FrontierPage("run", "USD", "AMZ", "park", 1_764_547_200_000_000, 1_772_409_600_000_000, points, ["A note."])
    path = write(render(page), tmp_path / "frontier.html", "--html")
    found = []
    with Browser(tmp_path) as browser:
        for scheme, width in (("light", 1_280), ("dark", 1_280), ("light", 390), ("dark", 390)):
            browser.call(
                "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
            )
            size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
            browser.call("Emulation.setDeviceMetricsOverride", size)
            browser.open(path.as_uri())
            assert browser.value("document.documentElement.scrollWidth") <= width
            cards = "document.querySelector('.card').getBoundingClientRect()"
            assert browser.value(f"document.querySelector('.chart').getBoundingClientRect().right < {cards}.right")
            assert browser.value("document.querySelectorAll('.legend .dot').length") == len(DRAWN) + 2
            ground = browser.value("getComputedStyle(document.querySelector('.card')).backgroundColor")
            ink = browser.value("getComputedStyle(document.querySelector('.chart circle')).fill")
            found.append((ground, ink))
        assert not browser.console
    assert found[0] == found[2] and found[1] == found[3]
    assert all(light != dark for light, dark in zip(found[0], found[1], strict=True))
