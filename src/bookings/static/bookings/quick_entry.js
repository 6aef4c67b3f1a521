'use strict';
// Suggests clients who booked before while their name, e-mail address or phone number is written,
// and offers the free starts of what is chosen as buttons.
{
    const settings = document.getElementById('bookings-quick-entry').dataset;
    const field = (name) => document.querySelector(`#booking_form [name="${name}"]`);
    const CLIENT = ['client_name', 'client_email', 'client_phone'];
    const PAUSE = 150;

    const ask = async (url, values) => {
        const response = await fetch(`${url}?${new URLSearchParams(values)}`);
        return response.ok ? response.json() : {};
    };

    const later = (act) => {
        let timer;
        return (...values) => {
            clearTimeout(timer);
            timer = setTimeout(() => act(...values), PAUSE);
        };
    };

    const buttons = (label, choices) => {
        const list = document.createElement('div');
        list.className = 'bookings-choices';
        list.setAttribute('role', 'group');
        list.setAttribute('aria-label', label);
        for (const [text, choose] of choices) {
            const button = document.createElement('button');
            button.type = 'button';
            button.textContent = text;
            button.addEventListener('click', () => choose(button));
            list.append(button);
        }
        return list;
    };

    const show = (place, content) => {
        place.parentElement.querySelector(':scope > .bookings-choices')?.remove();
        if (content) {
            place.after(content);
        }
    };

    const suggest = later(async (input) => {
        const place = input.closest('.form-row').firstElementChild;
        const {clients = []} = await ask(settings.clients, {q: input.value, tenant: field('tenant')?.value ?? ''});
        const choices = clients.map((client) => [
            CLIENT.map((name) => client[name]).filter(Boolean).join(' · '),
            () => {
                for (const name of CLIENT) {
                    field(name).value = client[name];
                }
                show(place, null);
                input.focus();
            },
        ]);
        show(place, choices.length ? buttons(settings.known, choices) : null);
    });
    for (const name of CLIENT) {
        field(name)?.addEventListener('input', (event) => suggest(event.target));
    }

    const [day, time] = [field('start_at_0'), field('start_at_1')];
    let asked = '';
    const offer = later(async () => {
        const values = {service: field('service').value, provider: field('provider').value, day: day.value};
        const question = JSON.stringify(values);
        if (question === asked) {
            return;
        }
        asked = question;
        const place = time.closest('.form-row').firstElementChild;
        if (!values.service || !values.provider || !/^\d{4}-\d\d-\d\d$/.test(values.day)) {
            show(place, null);
            return;
        }
        const {starts} = await ask(settings.starts, values);
        if (!starts) {
            return;
        }
        const choices = starts.map(([value, text]) => [text, (button) => {
            time.value = value;
            for (const other of button.parentElement.children) {
                other.setAttribute('aria-pressed', other === button);
            }
        }]);
        const list = buttons(settings.free, choices);
        if (!choices.length) {
            list.textContent = settings.none;
        }
        show(place, list);
    });
    // Django's date picker and search boxes change values without an event of the page's own.
    for (const name of ['service', 'provider']) {
        django.jQuery(field(name)).on('change', offer);
    }
    day.addEventListener('change', offer);
    day.addEventListener('focus', offer);
    document.addEventListener('click', offer);
    offer();
}
