'use strict';
// The searches of a new booking ask for what belongs to the tenant that is chosen on its form.
{
    const $ = django.jQuery;

    $.ajaxPrefilter((options) => {
        const tenant = $('#booking_form [name="tenant"]').val();
        const path = new URL(options.url, window.location.href).pathname;
        if (tenant && path.endsWith('/bookings/booking/search/')) {
            options.url += (options.url.includes('?') ? '&' : '?') + $.param({tenant});
        }
    });
}
