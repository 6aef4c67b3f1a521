"""Staff at a page, of whom every click and every key is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

CALENDAR = "/admin/bookings/booking/calendar/"


class Clicks:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = self.keys = self.fields = 0

    @property
    def actions(self) -> int:
        """The clicks, and the fields that were filled in."""
        return self.clicks + self.fields

    def click(self, selector: str) -> None:
        self.clicks += 1
        self.page.locator(selector).first.click()
        self.page.wait_for_load_state()

    def type(self, selector: str, text: str) -> None:
        self.keys += len(text)
        self.fields += 1
        self.page.locator(selector).first.fill(text)

    def press(self, key: str) -> None:
        self.keys += 1
        self.page.keyboard.press(key)
        self.page.wait_for_load_state()

    def drag(
        self, selector: str, *, right: float = 0, down: float = 0, by_the_edge: bool = False
    ) -> None:
        """Drag a box of the calendar, by its text or by its lower edge."""
        self.clicks += 1
        box = self.page.locator(selector).first.bounding_box()
        assert box is not None
        x = box["x"] + box["width"] / 2
        y = box["y"] + (box["height"] - 3 if by_the_edge else 10)
        mouse = self.page.mouse
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + right / 2, y + down / 2, steps=4)
        mouse.move(x + right, y + down, steps=4)
        mouse.up()

    def text(self, selector: str) -> str:
        return " ".join(self.page.locator(selector).first.inner_text().split())

    def box(self, selector: str) -> Any:
        found = self.page.locator(selector).first.bounding_box()
        assert found is not None, f"{selector} is not on the page."
        return found
