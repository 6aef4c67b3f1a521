'use strict';
// Takes whoever sent a form that was refused to its first error. Without this script, the link at the
// top of the form does.
{
    const focusFirstError = () => {
        const general = document.querySelector('#content .errorlist.nonfield');
        if (general) {
            general.tabIndex = -1;
            general.focus();
            return;
        }
        const link = document.querySelector('.bookings-first-error a');
        const field = link && document.getElementById(link.hash.slice(1));
        if (!field) {
            return;
        }
        field.closest('details')?.setAttribute('open', '');
        const isSearch = field.classList.contains('select2-hidden-accessible');
        const target = isSearch ? field.nextElementSibling.querySelector('[tabindex], input') : field;
        target.focus({preventScroll: true});
        field.closest('.form-row, tr')?.scrollIntoView({block: 'center'});
    };
    // Django makes its search boxes when the page is ready, in scripts that come before.
    window.addEventListener('load', () => window.setTimeout(focusFirstError, 0));
}
