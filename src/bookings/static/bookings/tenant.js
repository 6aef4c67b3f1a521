'use strict';
// The searches of a form ask for what belongs to the tenant that is chosen on it, and which providers
// offer the service that is.
{
    const $ = django.jQuery;
    const pathOf = (url) => new URL(url, window.location.href).pathname;

    $.ajaxPrefilter((options) => {
        const chosen = {};
        for (const name of ['tenant', 'service']) {
            const value = $(`#content-main form [name="${name}"]`).val();
            if (value) {
                chosen[name] = value;
            }
        }
        const searches = $('[data-ajax--url]').map((_, box) => pathOf($(box).attr('data-ajax--url')));
        if (Object.keys(chosen).length && searches.get().includes(pathOf(options.url))) {
            options.url += (options.url.includes('?') ? '&' : '?') + $.param(chosen);
        }
    });
}
