'use strict';
// Copies Monday's hours to other days at once. Without this script, the buttons ask the server.
{
    const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
    const TARGETS = {weekdays: DAYS.slice(1, 5), every_day: DAYS.slice(1)};

    const groupOf = (day) => document.getElementById(`${day}-group`);
    const rowsOf = (day) => [...groupOf(day).querySelectorAll('tr.form-row:not(.empty-form)')];
    const fieldsOf = (row) => [...row.querySelectorAll('td:not(.delete) input')];
    const deletionOf = (row) => row.querySelector('td.delete input[type="checkbox"]');

    const valuesOf = (row) => fieldsOf(row).map((field) => field.type === 'checkbox' ? field.checked : field.value);
    const isBlank = (row) => valuesOf(row).every((value) => !value);

    const fill = (row, values) => {
        row.classList.toggle('bookings-blank', row.matches('.bookings-blank') && values.every((value) => !value));
        fieldsOf(row).forEach((field, number) => {
            if (field.type === 'checkbox') {
                field.checked = Boolean(values[number]);
            } else {
                field.value = values[number] || '';
            }
        });
    };

    const copyTo = (day, rows) => {
        while (rowsOf(day).length < rows.length) {
            groupOf(day).querySelector('.add-row a').click();
        }
        rowsOf(day).forEach((row, number) => {
            const deletion = deletionOf(row);
            if (number < rows.length || !deletion) {
                fill(row, rows[number] ?? []);
            }
            if (deletion) {
                deletion.checked = number >= rows.length;
            }
        });
    };

    document.addEventListener('click', (event) => {
        const button = event.target.closest('[name="_copy_hours"]');
        if (!button) {
            return;
        }
        event.preventDefault();
        const rows = rowsOf('monday').filter((row) => !isBlank(row) && !deletionOf(row)?.checked).map(valuesOf);
        TARGETS[button.value].forEach((day) => copyTo(day, rows));
        button.parentElement.querySelector('[role="status"]').textContent = button.dataset.done;
    });
}
