"""The pages for clients."""

from django.urls import path

from clinic.pages import booking, finding, zone

app_name = "clinic"
urlpatterns = [
    path("", finding.home, name="home"),
    path("treatments/<int:treatment_id>/", finding.month, name="month"),
    path("treatments/<int:treatment_id>/day/", finding.day, name="day"),
    path("treatments/<int:treatment_id>/book/", booking.book, name="book"),
    path("booked/<uuid:uuid>/", booking.booked, name="booked"),
    path("zone/", zone.choose, name="zone"),
]
