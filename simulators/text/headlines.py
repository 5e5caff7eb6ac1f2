"""Shop headlines: a short teaser for a product, as sent in a newsletter or shown in a feed."""

from __future__ import annotations

from simulators.text.domain import Domain
from simulators.text.slots import AttributeSlot, FreeSlot, TopicSlot

TOPICS = {
    "trail running shoes": (
        "trail running shoes,",
        "running shoes for muddy paths,",
        "trail runners,",
        "off-road running shoes,",
    ),
    "coffee beans": (
        "coffee beans,",
        "roasted coffee beans,",
        "beans for espresso,",
        "single-origin beans,",
    ),
    "desk lamps": (
        "desk lamps,",
        "lamps for late reading,",
        "dimmable desk lights,",
        "reading lights,",
    ),
    "winter jackets": (
        "winter jackets,",
        "jackets for cold mornings,",
        "down jackets,",
        "insulated winter coats,",
    ),
    "language courses": (
        "language courses,",
        "evening classes in Spanish,",
        "online language lessons,",
        "conversation courses,",
    ),
    "garden tools": (
        "garden tools,",
        "tools for small gardens,",
        "pruning shears and trowels,",
        "gardening sets,",
    ),
}

GREETING = AttributeSlot(
    "greeting",
    on=(
        "Happy Monday!",
        "Happy Monday, everyone!",
        "Hello, Monday!",
        "Cheers to Monday!",
        "Good Monday morning!",
        "Hooray, Monday again!",
    ),
    off=(
        "Just in:",
        "New in store:",
        "From our shop:",
        "This week's pick:",
        "Now online:",
        "Worth a look:",
    ),
)
QUESTION = AttributeSlot(
    "question",
    on=(
        "Ready to upgrade?",
        "Why settle for less?",
        "Tempted yet?",
        "Need something better?",
        "Fancy a treat?",
        "What are you waiting for?",
    ),
    off=(
        "Small changes matter.",
        "Good things last.",
        "Quality shows.",
        "Details count.",
        "Simple works best.",
        "Well made feels different.",
    ),
)
PERSONAL = AttributeSlot(
    "personal",
    on=("Your next", "Your kind of", "Your very own", "Your future favourite", "Your ideal", "Your dream"),
    off=("The latest", "The new", "The classic", "The season's", "Several", "A range of"),
)
QUALITY = FreeSlot("quality", ("fine", "well-made", "first-rate", "beautiful", "hand-picked", "smart"))
EXPERT = AttributeSlot(
    "expert",
    on=(
        "recommended by experts,",
        "tested by professionals,",
        "endorsed by specialists,",
        "expert approved,",
        "chosen by insiders,",
        "praised by trade critics,",
    ),
    off=(
        "ideal every day,",
        "easy to enjoy,",
        "a pleasure to own,",
        "good for any weekend,",
        "right for most homes,",
        "nice to give,",
    ),
)
SOCIAL_PROOF = AttributeSlot(
    "social_proof",
    on=(
        "loved by thousands,",
        "rated five stars,",
        "trusted by 20,000 customers,",
        "our readers' favourite,",
        "a crowd pleaser,",
        "everyone's bestseller,",
    ),
    off=(
        "in the catalogue,",
        "on page 12,",
        "listed online,",
        "part of the range,",
        "added this month,",
        "shown in full,",
    ),
)
DISCOUNT = AttributeSlot(
    "discount",
    on=(
        "now 30% off.",
        "half off for now.",
        "with $15 off.",
        "reduced by a third.",
        "at a big discount.",
        "two for $40.",
    ),
    off=(
        "at the usual price.",
        "at regular cost.",
        "priced as always.",
        "at list price.",
        "for what they cost.",
        "at the standard rate.",
    ),
)
SCARCITY = AttributeSlot(
    "scarcity",
    on=(
        "Only a few left.",
        "Almost sold out.",
        "Limited stock.",
        "Nearly gone.",
        "Small batch only.",
        "Last 40 places.",
    ),
    off=(
        "Plenty available.",
        "Always on offer.",
        "Supply is ample.",
        "Restocked daily.",
        "No shortage here.",
        "More every week.",
    ),
)
URGENCY = AttributeSlot(
    "urgency",
    on=(
        "Order before midnight!",
        "Ends tonight!",
        "Hurry, today only!",
        "Act now!",
        "Final hours!",
        "Don't wait!",
    ),
    off=(
        "Browse at leisure.",
        "Take your time.",
        "Shop any day.",
        "There is no rush.",
        "Come whenever you like.",
        "Decide later.",
    ),
)
GUARANTEE = AttributeSlot(
    "guarantee",
    on=(
        "Money-back guarantee.",
        "Satisfaction guaranteed.",
        "Full refund promised.",
        "Risk-free for 60 days.",
        "Free returns, always.",
        "Love it or return it.",
    ),
    off=(
        "Usual terms apply.",
        "Standard conditions.",
        "See our terms online.",
        "Details at checkout.",
        "Store policy applies.",
        "Terms as listed.",
    ),
)


def make_domain() -> Domain:
    """The domain, 9 attributes and 6 prompts."""
    return Domain(
        name="headlines",
        situation="Short teasers for a product, as a shop would send in a newsletter.",
        prompts=tuple(f"Write a headline about {topic}." for topic in TOPICS),
        slots=(
            GREETING,
            QUESTION,
            PERSONAL,
            QUALITY,
            TopicSlot(tuple(TOPICS.values())),
            EXPERT,
            SOCIAL_PROOF,
            DISCOUNT,
            SCARCITY,
            URGENCY,
            GUARANTEE,
        ),
    )
