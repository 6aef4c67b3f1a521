'use strict';
// The searches of a form ask for what belongs to the tenant that is chosen on it.
{
    const $ = django.jQuery;
    const pathOf = (url) => new URL(url, window.location.href).pathname;

    $.ajaxPrefilter((options) => {
        const tenant = $('#content-main form [name="tenant"]').val();
        const searches = $('[data-ajax--url]').map((_, box) => pathOf($(box).attr('data-ajax--url')));
        if (tenant && searches.get().includes(pathOf(options.url))) {
            options.url += (options.url.includes('?') ? '&' : '?') + $.param({tenant});
        }
    });
}
