"""``Booking.objects``: questions, and the doors that are closed to writes beside the ledger."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, ProtectedError
from django.utils import timezone

from bookings import extensions
from bookings.exceptions import InvalidBooking, NotAllowed
from bookings.models import Booking, BusyInterval, client_identity
from bookings.models.querysets import GUARDED_FIELDS
from bookings.services import cancel_booking, complete_booking
from bookings.testing import assert_bookings_are_sound
from tests.core.conftest import Book
from tests.core.moments import NOW, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def week(book: Book) -> dict[str, Booking]:
    """Bookings in all states, some of them over by ``at(12)``."""
    return {
        "completed": complete_booking(book(at(8)), now_dt=at(9)),
        "over": book(at(9)),
        "cancelled": cancel_booking(book(at(10)), now_dt=NOW),
        "going on": book(at(11, 30)),
        "hold": book(at(13), expires_at=at(9)),
        "later": book(at(14)),
    }


def names(week: dict[str, Booking], found: Any) -> list[str]:
    by_key = {booking.pk: name for name, booking in week.items()}
    return [by_key[booking.pk] for booking in found]


def test_active_are_those_that_hold_time(week: dict[str, Booking]) -> None:
    active = Booking.objects.active()
    assert names(week, active) == ["over", "going on", "hold", "later"]
    assert active.count() == BusyInterval.objects.count()


def test_upcoming_are_active_and_not_over_soonest_first(week: dict[str, Booking]) -> None:
    assert names(week, Booking.objects.upcoming(at(12))) == ["going on", "hold", "later"]


@pytest.mark.parametrize("hours", [1, 26])
def test_those_during_a_period_take_place_at_some_moment_of_it(
    service: Any, provider: Any, hours: int
) -> None:
    """Of a day and more, PostgreSQL finds long bookings by an index of their own."""
    hour = timedelta(hours=1)
    start, end = at(12), at(12) + hours * hour
    moments = sorted({start - 40 * hour, start - hour, start, start + hour, end, end + 40 * hour})
    for begins, ends in combinations(moments, 2):
        # One that was cancelled holds no time, so they may overlap.
        Booking(
            service=service,
            provider=provider,
            start_at=begins,
            end_at=ends,
            client_name="Joan",
            status=Booking.Status.CANCELLED,
        ).save()

    found = Booking.objects.during(start, end)
    expected = Booking.objects.filter(start_at__lt=end, end_at__gt=start)
    assert list(found) == list(expected)
    assert 0 < found.count() < Booking.objects.count()


def test_past_are_over_whatever_became_of_them_latest_first(week: dict[str, Booking]) -> None:
    assert names(week, Booking.objects.past(at(12))) == ["cancelled", "over", "completed"]


def test_a_booking_is_over_at_its_end(week: dict[str, Booking]) -> None:
    assert week["over"] in Booking.objects.upcoming(at(10) - timedelta(microseconds=1))
    assert week["over"] not in Booking.objects.upcoming(at(10))
    assert week["over"] in Booking.objects.past(at(10))


def test_expired_are_holds_from_the_instant_they_run_out(week: dict[str, Booking]) -> None:
    assert names(week, Booking.objects.expired(at(9))) == ["hold"]
    assert names(week, Booking.objects.expired(at(9) - timedelta(microseconds=1))) == []


def test_a_swept_hold_is_not_expired_any_more(week: dict[str, Booking]) -> None:
    cancel_booking(week["hold"], now_dt=at(12))
    assert not Booking.objects.expired(at(12)).exists()


def test_the_clock_is_asked_where_no_instant_is_given(book: Book) -> None:
    now = timezone.now()
    long_ago = now - timedelta(days=2)
    was = book(long_ago, now_dt=long_ago)
    hold = book(now + timedelta(hours=1), expires_at=now - timedelta(seconds=1), now_dt=long_ago)
    assert list(Booking.objects.past()) == [was]
    assert list(Booking.objects.upcoming()) == list(Booking.objects.expired()) == [hold]


def test_a_provider_s_bookings(book: Book, provider: Any, other_provider: Any) -> None:
    ours, theirs = book(), book(provider=other_provider)
    assert list(Booking.objects.for_provider(provider)) == [ours]
    assert list(Booking.objects.for_provider(other_provider.pk)) == [theirs]


def test_what_is_no_provider_has_no_bookings_but_an_error(book: Book, provider: Any) -> None:
    own = book()
    for value in ("x", 1.5, True, b"1", 10**30, type(provider)(name="Unsaved"), object()):
        with pytest.raises(InvalidBooking, match="must be a provider or its key"):
            Booking.objects.for_provider(value)
        with pytest.raises(InvalidBooking, match="must be a user or its key"):
            Booking.objects.for_client(value)
    with pytest.raises(InvalidBooking, match="must be a tenant or its key"):
        Booking.objects.for_tenant("x")
    assert list(Booking.objects.for_provider(str(provider.pk))) == [own]
    assert not Booking.objects.for_provider(None).exists()
    providers = type(provider).objects.filter(pk=OuterRef("pk"))
    bookings = Booking.objects.for_provider(OuterRef("pk"))
    assert type(provider).objects.get(Exists(bookings), Exists(providers)) == provider


def test_who_is_not_logged_in_has_no_account(book: Book) -> None:
    own = book(client_email="joan@example.com")
    assert not Booking.objects.for_client(AnonymousUser()).exists()
    assert list(Booking.objects.for_client(AnonymousUser(), email="joan@example.com")) == [own]


@pytest.mark.parametrize(
    ("email", "other"),
    [
        ("joan@jose.example", "joan@josé.example"),
        ("joan@josé.example", "joan@jose.example"),
        ("a_b%c@example.com", "axbxc@example.com"),
    ],
)
def test_a_client_is_not_found_by_what_only_looks_alike(book: Book, email: str, other: str) -> None:
    """The collations of MySQL and MariaDB ignore accents as well as the case."""
    own = book(at(10), client_email=email)
    theirs = book(at(12), client_email=other)
    assert list(Booking.objects.for_client(email=email.upper())) == [own]
    assert list(Booking.objects.for_client(email=other)) == [theirs]
    assert list(Booking.objects.filter(client_identity.same_client(theirs))) == [theirs]
    assert list(Booking.objects.filter(client_email__iexact=F("client_email")).order_by("pk")) == [
        own,
        theirs,
    ]


def test_a_name_is_not_found_by_what_only_looks_alike(book: Book) -> None:
    own = book(at(10), client_name="Jose")
    book(at(12), client_name="José")
    assert list(Booking.objects.filter(client_name__iexact="JOSE")) == [own]


def test_mysql_compares_the_letters_again_without_its_collation() -> None:
    """As the other databases need not, and any can be asked for."""
    query = Booking.objects.filter(client_name__iexact="A_b").query
    compiler = query.get_compiler(using="default")
    (lookup,) = query.where.children
    sql, params = lookup.as_mysql(compiler, connection)
    same = r"AND LOWER\((\S+)client_name\S*\) COLLATE utf8mb4_bin = LOWER\(%s\)\)$"
    assert re.search(same, sql)
    assert list(params)[-1] == "A_b"


def test_without_tenancy_every_booking_is_nobody_s(book: Book) -> None:
    booking = book()
    assert list(Booking.objects.for_tenant(None)) == [booking]


def test_a_client_is_found_by_account_before_anything_else(book: Book, user: Any) -> None:
    own = book(at(10), client_user=user, client_email="joan@example.com")
    book(at(12), client_email="joan@example.com")
    found = Booking.objects.for_client(user, email="joan@example.com", phone="1")
    assert list(found) == [own]


def test_a_client_is_found_by_address_in_any_case(book: Book) -> None:
    own = book(at(10), client_email="Joan@Example.com")
    book(at(12), client_email="jack@example.com", client_phone="1")
    assert list(Booking.objects.for_client(email="joan@example.COM", phone="1")) == [own]


def test_a_client_is_found_by_phone(book: Book) -> None:
    own = book(at(10), client_phone="+41 44 000 00 00")
    book(at(12))
    assert list(Booking.objects.for_client(phone="+41 44 000 00 00")) == [own]


def test_a_client_nobody_can_tell_has_no_bookings(book: Book) -> None:
    book()
    assert not Booking.objects.for_client().exists()


def test_questions_chain_with_each_other_and_with_django_s(
    book: Book, provider: Any, user: Any
) -> None:
    own = book(client_user=user)
    book(at(12))
    chain = Booking.objects.filter(party_size=1).for_provider(provider).active()
    assert list(chain.for_client(user).upcoming(NOW).exclude(reference="")) == [own]
    assert list(provider.bookings.upcoming(NOW).for_client(user)) == [own]


@pytest.mark.parametrize("field", sorted(GUARDED_FIELDS))
def test_what_the_ledger_depends_on_is_not_updated_behind_its_back(book: Book, field: str) -> None:
    booking = book()
    with pytest.raises(NotAllowed, match=f"for: {field}"):
        Booking.objects.update(**{field: getattr(booking, field)})


def test_the_lookup_of_a_client_is_not_updated_by_hand(book: Book) -> None:
    """Else a booking would be another client's until its next save."""
    booking = book(client_phone="0123")
    refused = "for: client_lookup"
    with pytest.raises(NotAllowed, match=refused):
        Booking.objects.update(client_lookup="x")
    with pytest.raises(NotAllowed, match=refused), transaction.atomic():
        Booking.objects.bulk_update([booking], ["client_lookup"])
    with pytest.raises(NotAllowed, match=refused):
        Booking.objects.bulk_create([], update_conflicts=True, update_fields=["client_lookup"])
    assert list(Booking.objects.for_client(phone="01 23")) == [booking]


def test_every_guarded_field_is_named_in_the_refusal() -> None:
    with pytest.raises(NotAllowed, match="for: end_at, status"):
        Booking.objects.update(status="CANCELLED", end_at=NOW, client_name="Jack")


@pytest.mark.parametrize(
    ("app", "field", "value"),
    [
        ("bookings_group_sessions", "client_email", "kim@example.com"),
        ("bookings_group_sessions", "client_name", "Kim"),
        ("bookings_group_sessions", "client_phone", "0123"),
        ("bookings_group_sessions", "client_user", None),
        ("bookings_group_sessions", "client_user_id", None),
        ("bookings_payments", "auto_cancelled", True),
        ("bookings_payments", "cancelled_at", NOW),
        ("bookings_payments", "confirmed_at", None),
        ("bookings_payments", "currency", "EUR"),
        ("bookings_payments", "price_amount", 1),
        ("bookings_payments", "terms", None),
        ("bookings_payments", "total_amount", 1),
    ],
)
def test_what_an_app_depends_on_is_not_updated_behind_its_back(
    book: Book, app: str, field: str, value: Any
) -> None:
    booking = book()
    setattr(booking, field, value)
    refused = f"the rows of {app} behind for: {field}"
    with pytest.raises(NotAllowed, match=refused):
        Booking.objects.update(**{field: value})
    with pytest.raises(NotAllowed, match=refused.removesuffix("_id")), transaction.atomic():
        Booking.objects.bulk_update([booking], [field.removesuffix("_id")])
    with pytest.raises(NotAllowed, match=refused):
        Booking.objects.bulk_create([], update_conflicts=True, update_fields=[field])


def test_each_guarded_field_is_one_of_a_booking() -> None:
    names = {field.name for field in Booking._meta.get_fields()}
    for extension in extensions.registered():
        assert extension.guarded_fields <= names


def test_every_field_that_moves_the_claim_is_guarded() -> None:
    from bookings.services.direct_save import CLAIM_FIELDS

    assert CLAIM_FIELDS <= GUARDED_FIELDS


def test_other_fields_can_be_updated(book: Book) -> None:
    booking = book()
    assert Booking.objects.filter(pk=booking.pk).update(notes_client="Jack", metadata={"a": 1}) == 1
    booking.refresh_from_db()
    assert (booking.notes_client, booking.metadata) == ("Jack", {"a": 1})


def test_a_bulk_update_is_held_to_the_same(book: Book) -> None:
    booking = book()
    booking.notes_client, booking.end_at = "Jack", at(11, 30)
    with pytest.raises(NotAllowed), transaction.atomic():
        Booking.objects.bulk_update([booking], ["notes_client", "end_at"])
    assert Booking.objects.bulk_update([booking], ["notes_client"]) == 1
    booking.refresh_from_db()
    assert (booking.notes_client, booking.end_at) == ("Jack", at(11))
    assert_bookings_are_sound()


def imported(book: Book, status: str) -> Booking:
    """A booking that was over before it came here."""
    made = book()
    copy = Booking(
        service=made.service,
        provider=made.provider,
        start_at=made.start_at,
        end_at=made.end_at,
        client_name="Joan",
        status=status,
    )
    Booking.objects.all().delete()
    return copy


@pytest.mark.parametrize("status", ["COMPLETED", "CANCELLED", "NO_SHOW", "DECLINED", "DELIVERED"])
def test_what_is_over_can_be_created_in_bulk(book: Book, status: str) -> None:
    [booking] = Booking.objects.bulk_create([imported(book, status)])
    assert Booking.objects.get().status == status
    assert booking.reference.startswith("BK-")
    assert not BusyInterval.objects.exists()


@pytest.mark.parametrize("status", Booking.ACTIVE_STATUSES)
def test_what_holds_time_cannot_be_created_in_bulk(book: Book, status: str) -> None:
    bookings = [imported(book, "COMPLETED"), imported(book, status)]
    with pytest.raises(NotAllowed, match="claims no time"):
        Booking.objects.bulk_create(booking for booking in bookings)
    assert not Booking.objects.exists()


def test_an_imported_booking_keeps_its_reference(book: Book) -> None:
    booking = imported(book, "COMPLETED")
    booking.reference = "OLD-1"
    Booking.objects.bulk_create([booking])
    assert Booking.objects.get().reference == "OLD-1"


def test_get_or_create_and_update_or_create_go_through_the_ledger(book: Book) -> None:
    first = book()
    details = {name: getattr(first, name) for name in ("service", "provider", "client_name")}
    made, is_new = Booking.objects.get_or_create(start_at=at(12), end_at=at(13), defaults=details)
    assert is_new
    moved, is_new = Booking.objects.update_or_create(
        pk=made.pk, defaults={"start_at": at(14), "end_at": at(15)}
    )
    assert not is_new
    assert moved.busy_interval.start_at == at(14)
    assert_bookings_are_sound()


def test_users_are_protected_by_their_bookings(book: Book, user: Any) -> None:
    book(client_user=user)
    with pytest.raises(ProtectedError):
        get_user_model().objects.filter(pk=user.pk).delete()


def test_an_upsert_cannot_go_around_the_ledger(book: Book) -> None:
    booking = book()
    over = Booking(pk=booking.pk, reference=booking.reference, status="CANCELLED")
    with pytest.raises(NotAllowed, match="status"):
        Booking.objects.bulk_create(
            [over], update_conflicts=True, update_fields=["status"], unique_fields=["reference"]
        )
