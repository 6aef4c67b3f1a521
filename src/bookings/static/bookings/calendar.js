'use strict';
// The calendar works without this script. It adds keys, and lets staff drag a booking to another
// time or provider, or its lower edge to another end.
{
    const STEP_MINUTES = 5;
    const DRAG_THRESHOLD = 5;

    const followKey = (event) => {
        const isTyping = event.target.closest('input, select, textarea, [contenteditable], dialog[open]');
        if (isTyping || event.ctrlKey || event.metaKey || event.altKey) {
            return;
        }
        const isRtl = document.documentElement.dir === 'rtl';
        const selectors = {
            [isRtl ? 'ArrowRight' : 'ArrowLeft']: 'a[rel="prev"]',
            [isRtl ? 'ArrowLeft' : 'ArrowRight']: 'a[rel="next"]',
            't': '[data-key="t"]',
            'd': '[data-key="d"]',
            'w': '[data-key="w"]',
            'n': '[data-key="n"]',
            '/': '.bookings-days input[type="date"]',
        };
        // Django's own shortcut for the side bar's filter is no arrow, so nothing is taken from it.
        const target = event.key in selectors && document.querySelector(selectors[event.key]);
        if (!target) {
            return;
        }
        event.preventDefault();
        target.matches('a') ? target.click() : target.focus();
    };
    document.addEventListener('keydown', followKey);

    const calendar = document.querySelector('.bookings-day[data-move]');
    const dialog = document.getElementById('bookings-move-dialog');
    const hourHeight = Number(calendar?.dataset.hour);
    const minutes = (pixels) => Math.round(pixels / hourHeight * 60 / STEP_MINUTES) * STEP_MINUTES;

    const send = async (values) => {
        const body = new URLSearchParams(values);
        body.set('csrfmiddlewaretoken', document.querySelector('[name="csrfmiddlewaretoken"]').value);
        const response = await fetch(calendar.dataset.move, {method: 'POST', body});
        if (response.ok || response.status === 409) {
            return response.json();
        }
        return {error: response.statusText, can_override: false};
    };

    const ask = (answer) => new Promise((resolve) => {
        dialog.querySelector('p').textContent = answer.error;
        dialog.querySelector('[value="override"]').hidden = !answer.can_override;
        dialog.returnValue = 'cancel';
        dialog.addEventListener('close', () => resolve(dialog.returnValue === 'override'), {once: true});
        dialog.showModal();
    });

    const move = async (values) => {
        let answer = await send(values);
        if (answer.error && await ask(answer)) {
            answer = await send({...values, override: 'on'});
            if (answer.error) {
                await ask({...answer, can_override: false});
            }
        }
        // Whatever the answer is, the page shows what is stored.
        window.location.reload();
    };

    const startDrag = (event) => {
        const block = event.target.closest('[data-booking]');
        if (!block || event.button !== 0 || event.pointerType === 'touch') {
            return;
        }
        const box = block.closest('foreignObject');
        const bounds = block.getBoundingClientRect();
        const isLengthening = bounds.bottom - event.clientY < 8 && bounds.height > 24;
        const [y, height] = [Number(box.getAttribute('y')), Number(box.getAttribute('height'))];
        let column = block.closest('.bookings-column');
        let isDragging = false;

        const follow = (moved) => {
            const distance = moved.clientY - event.clientY;
            isDragging ||= Math.hypot(moved.clientX - event.clientX, distance) > DRAG_THRESHOLD;
            if (!isDragging) {
                return;
            }
            block.classList.add('bookings-dragged');
            const pixels = minutes(distance) / 60 * hourHeight;
            if (isLengthening) {
                box.setAttribute('height', Math.max(height + pixels, 4));
                return;
            }
            box.setAttribute('y', y + pixels);
            const under = document.elementsFromPoint(moved.clientX, moved.clientY)
                .map((element) => element.closest('.bookings-column')).find(Boolean);
            if (under && under !== column) {
                column = under;
                column.querySelector('svg').append(box);
            }
        };
        const stop = (released) => {
            document.removeEventListener('pointermove', follow);
            document.removeEventListener('pointerup', stop);
            document.removeEventListener('pointercancel', stop);
            if (!isDragging) {
                return;
            }
            block.addEventListener('click', (click) => click.preventDefault(), {once: true});
            const values = {booking: block.dataset.booking, version: block.dataset.version};
            const change = minutes(released.clientY - event.clientY);
            if (isLengthening) {
                values.longer = change;
            } else {
                const day = Date.parse(column.dataset.origin) - Date.parse(block.dataset.origin);
                values.later = change + day / 60000;
                values.provider = column.dataset.provider;
            }
            move(values);
        };
        block.dataset.origin = column.dataset.origin;
        event.preventDefault();
        document.addEventListener('pointermove', follow);
        document.addEventListener('pointerup', stop);
        document.addEventListener('pointercancel', stop);
    };
    if (calendar) {
        calendar.addEventListener('pointerdown', startDrag);
        // The browser would drag the link itself.
        calendar.addEventListener('dragstart', (event) => event.preventDefault());
    }
}
