'use strict';
// Offers the browser's own time zone, where that is not the one shown. Everything works without.
const link = document.getElementById('own-zone');
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && zone !== link.dataset.shown) {
    link.href += encodeURIComponent(zone);
    link.textContent += zone;
    link.hidden = false;
}
