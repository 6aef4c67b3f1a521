"""What the demo clinics offer, and who comes to them."""

from typing import Any

# By the day: 0 is Monday, and a day that is not named is closed.
WITH_A_BREAK = [("08:00", "12:30"), ("13:30", "18:00")]
LATE = [("12:00", "20:00")]
DENTAL = [("09:00", "12:00"), ("13:00", "17:00")]
LONG = [("09:00", "13:00"), ("14:00", "19:00")]

CLINICS: dict[str, dict[str, Any]] = {
    "Lindenhof Physiotherapy": {
        "hours": dict.fromkeys(range(5), WITH_A_BREAK) | {5: [("09:00", "13:00")]},
        "step": 30,
        "practitioners": {
            "Jonas Weber": None,
            "Leyla Aydin": {0: LATE, 2: LATE, 4: [("08:00", "14:00")]},
        },
        "treatments": [
            {
                "name": "Physiotherapy",
                "duration_minutes": 45,
                "buffer_after_minutes": 15,
                "cancellation_notice_minutes": 24 * 60,
                "reschedule_notice_minutes": 12 * 60,
                "price_amount": "70.00",
            },
            {
                "name": "First consultation",
                "duration_minutes": 30,
                "requires_approval": True,
                "maximum_advance_days": 60,
                "price_amount": "40.00",
            },
            {
                "name": "Sports massage",
                "duration_minutes": 60,
                "buffer_before_minutes": 5,
                "buffer_after_minutes": 10,
                "price_amount": "65.00",
            },
            {
                "name": "Back class",
                "duration_minutes": 60,
                "allow_multiple_clients_per_slot": True,
                "capacity": 6,
                "price_amount": "18.00",
            },
        ],
        "extras": [
            {"name": "Heat pack", "extra_duration_minutes": 15, "price_amount": "12.00"},
            {"name": "Kinesio tape", "price_amount": "8.00"},
        ],
    },
    "Seehaus Dental": {
        "hours": dict.fromkeys(range(4), DENTAL) | {4: [("09:00", "13:00")]},
        "step": 15,
        "practitioners": {
            "Dr. Clara Stein": None,
            "Dr. Paul Okafor": dict.fromkeys((1, 3), LONG),
        },
        "treatments": [
            {"name": "Check-up", "duration_minutes": 30, "price_amount": "45.00"},
            {
                "name": "Professional cleaning",
                "duration_minutes": 60,
                "buffer_after_minutes": 10,
                "cancellation_notice_minutes": 24 * 60,
                "price_amount": "95.00",
            },
            {"name": "Filling", "duration_minutes": 45, "price_amount": "120.00"},
            {
                "name": "Whitening",
                "duration_minutes": 90,
                "requires_approval": True,
                "minimum_notice_minutes": 24 * 60,
                "price_amount": "290.00",
            },
        ],
        "extras": [
            {"name": "X-ray", "extra_duration_minutes": 10, "price_amount": "35.00"},
            {"name": "Fluoride varnish", "price_amount": "15.00"},
        ],
    },
}

# Her diary is empty: the story is played in it.
NEW_COLLEAGUE = ("Lindenhof Physiotherapy", "Mira Vogt")

CLIENTS = [
    "Amelie Brandt",
    "Bruno Castelli",
    "Chiara Neumann",
    "David Osei",
    "Elif Kaya",
    "Felix Hartmann",
    "Greta Lund",
    "Hamza Idris",
    "Ines Moreau",
    "Jakob Winter",
    "Katya Petrova",
    "Lars Sommer",
    "Mei Tanaka",
]


def email_of(client: str) -> str:
    return f"{client.lower().replace(' ', '.')}@example.com"
