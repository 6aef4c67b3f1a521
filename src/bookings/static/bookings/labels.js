'use strict';
// Gives names to the parts of Django's own widgets that a screen reader reads without one: search
// boxes, the fields of rows, empty heads of tables.
{
    const textOf = (element) => element?.textContent.trim().replace(/:$/, '') ?? '';

    // The label of a field, or in a row of a table, the head of its column.
    const nameOf = (field) => {
        const label = field.labels?.[0] ?? document.querySelector(`label[for="${CSS.escape(field.id)}"]`);
        if (label) {
            return textOf(label);
        }
        const cell = field.closest('td');
        return cell ? textOf(cell.closest('table').querySelectorAll('thead th')[cell.cellIndex]) : '';
    };

    const setName = (element, name) => {
        if (element && name) {
            element.setAttribute('aria-label', name);
        }
    };

    const label = (root) => {
        for (const select of root.querySelectorAll('select.select2-hidden-accessible')) {
            const box = select.nextElementSibling;
            const selection = box?.querySelector('[role="combobox"]');
            const name = nameOf(select);
            if (selection && name) {
                // What is chosen is read as the text within.
                selection.removeAttribute('aria-labelledby');
                setName(selection, name);
            }
            const rendered = box?.querySelector('.select2-selection__rendered[role="textbox"]');
            rendered?.removeAttribute('role');
            rendered?.removeAttribute('aria-readonly');
            setName(box?.querySelector('.select2-search__field'), name);
        }
        for (const field of root.querySelectorAll('td :is(input:not([type="hidden"]), select, textarea)')) {
            if (!field.labels?.length && !field.hasAttribute('aria-label')) {
                setName(field, nameOf(field));
            }
        }
        const search = document.getElementById('searchbar');
        setName(search, search?.getAttribute('placeholder') || textOf(document.querySelector('label[for="searchbar"]'))
            || search?.form.querySelector('[type="submit"]').value);
        for (const icon of root.querySelectorAll('.help-tooltip[aria-label]')) {
            icon.setAttribute('role', 'img');
        }
        for (const head of root.querySelectorAll('thead th:empty, thead th.original')) {
            if (!textOf(head)) {
                head.setAttribute('aria-hidden', 'true');
                head.setAttribute('role', 'presentation');
            }
        }
    };

    // Django makes its search boxes when the page is ready, in scripts that come before.
    const labelSoon = (root) => window.setTimeout(() => label(root), 0);
    window.addEventListener('load', () => labelSoon(document));
    document.addEventListener('formset:added', (event) => labelSoon(event.target));
}
