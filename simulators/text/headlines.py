"""Shop headlines: a short teaser for a product, as sent in a newsletter or shown in a feed."""

from __future__ import annotations

from simulators.text.domain import GrammarDomain
from simulators.text.slots import AttributeSlot, FreeSlot, TopicSlot

TOPICS = {
    "trail running shoes": (
        "trail running shoes:",
        "running shoes for muddy paths:",
        "off-road running shoes:",
        "trail shoes:",
    ),
    "coffee beans": ("coffee beans:", "roasted coffee beans:", "espresso beans:", "single-origin beans:"),
    "desk lamps": ("desk lamps:", "reading lamps:", "dimmable desk lights:", "lamps for late reading:"),
    "winter jackets": ("winter jackets:", "jackets for cold mornings:", "down jackets:", "winter coats:"),
    "language courses": (
        "language courses:",
        "evening classes in Spanish:",
        "online language lessons:",
        "conversation courses:",
    ),
    "garden tools": ("garden tools:", "tools for small gardens:", "shears and trowels:", "gardening sets:"),
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
    off=("Just in:", "New in store:", "From our shop:", "This week:", "On our shelves:", "Worth a look:"),
)
QUESTION = AttributeSlot(
    "question",
    on=(
        "Ready to upgrade?",
        "Tempted yet?",
        "Curious?",
        "Need something better?",
        "Fancy a treat?",
        "Why settle?",
    ),
    off=(
        "Good things last.",
        "Quality shows.",
        "Details count.",
        "Simple works best.",
        "Comfort matters.",
        "Small changes add up.",
    ),
)
PERSONAL = AttributeSlot(
    "personal",
    on=("Your next", "Your own", "Your ideal", "Your very own", "Just for you,", "Your kind of"),
    off=("The latest", "The new", "The classic", "This season's", "Assorted", "A range of"),
)
QUALITY = FreeSlot("quality", ("fine", "well-made", "first-rate", "beautiful", "hand-picked", "smart"))
EXPERT = AttributeSlot(
    "expert",
    on=(
        "expert approved,",
        "professionally tested,",
        "a critics' choice,",
        "award winning,",
        "expertly designed,",
        "a specialist's pick,",
    ),
    off=("practical,", "versatile,", "simple,", "useful,", "pleasant,", "straightforward,"),
)
SOCIAL_PROOF = AttributeSlot(
    "social_proof",
    on=(
        "five-star rated,",
        "loved by thousands,",
        "a reader favourite,",
        "a customer favourite,",
        "everyone's bestseller,",
        "a crowd pleaser,",
    ),
    off=(
        "listed online,",
        "newly added,",
        "shown below,",
        "sold in our shops,",
        "on page 12,",
        "filed under basics,",
    ),
)
DISCOUNT = AttributeSlot(
    "discount",
    on=(
        "now 30% off.",
        "now half off.",
        "with $15 off.",
        "sharply reduced.",
        "at a discount.",
        "cheaper by a third.",
    ),
    off=(
        "at the usual price.",
        "at regular rates.",
        "priced as always.",
        "at list price.",
        "at full price.",
        "at normal cost.",
    ),
)
SCARCITY = AttributeSlot(
    "scarcity",
    on=(
        "Few left.",
        "Almost sold out.",
        "Limited stock.",
        "Nearly gone.",
        "Small batch only.",
        "Last 40 remaining.",
    ),
    off=(
        "Plenty available.",
        "Always available.",
        "Ample supply.",
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
        "Act fast!",
        "Final hours!",
        "Don't wait!",
    ),
    off=(
        "Browse at leisure.",
        "Take your time.",
        "Shop any day.",
        "No rush.",
        "Come anytime.",
        "Decide later.",
    ),
)
GUARANTEE = AttributeSlot(
    "guarantee",
    on=(
        "Money-back guarantee.",
        "Satisfaction guaranteed.",
        "Full refund promised.",
        "Risk-free trial.",
        "Free returns.",
        "Returns always accepted.",
    ),
    off=(
        "Usual terms apply.",
        "Standard conditions.",
        "Terms online.",
        "Read our policy.",
        "Store policy applies.",
        "Terms as listed.",
    ),
)


def make_domain() -> GrammarDomain:
    """The domain: 9 attributes, 6 prompts."""
    return GrammarDomain(
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
