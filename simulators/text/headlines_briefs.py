"""Briefs for shop headlines: what an editor asks a copywriter for, and fourteen further products."""

from __future__ import annotations

from simulators.text.slots import AttributeSlot, FreeSlot, Slot, TopicSlot

MORE_TOPICS = {
    "hiking backpacks": ("hiking backpacks:", "packs for long hikes:", "day packs:", "rucksacks:"),
    "kitchen knives": ("kitchen knives:", "chef's knives:", "knives for home cooks:", "paring knives:"),
    "yoga mats": ("yoga mats:", "mats for yoga at home:", "non-slip yoga mats:", "cork exercise mats:"),
    "board games": ("board games:", "games for rainy evenings:", "strategy games:", "party games:"),
    "headphones": (
        "wireless headphones:",
        "headphones for commuters:",
        "noise-cancelling headphones:",
        "studio headphones:",
    ),
    "herbal teas": ("herbal teas:", "teas for quiet evenings:", "loose-leaf infusions:", "mint teas:"),
    "picture books": ("picture books:", "bedtime stories:", "children's books:", "books to read aloud:"),
    "bicycle lights": ("bicycle lights:", "bike lights:", "lights for night rides:", "cycling lamps:"),
    "bath towels": ("bath towels:", "cotton towels:", "towels for the whole family:", "linen towels:"),
    "baking kits": ("baking kits:", "sourdough kits:", "bread-making sets:", "sets for weekend bakers:"),
    "family tents": ("family tents:", "tents for four:", "camping tents:", "tents for wet weekends:"),
    "watercolour sets": ("watercolour sets:", "paint boxes:", "sets for painters:", "brush and colour sets:"),
    "office chairs": ("office chairs:", "desk chairs:", "chairs for long days:", "ergonomic chairs:"),
    "dog beds": ("dog beds:", "beds for big dogs:", "washable dog beds:", "beds for old dogs:"),
}
"""Topics that the six plain prompts lack: how a text names them."""

ASKED = {
    "trail running shoes": ("trail running shoes", "shoes for trail running"),
    "coffee beans": ("coffee beans", "whole-bean coffee"),
    "desk lamps": ("desk lamps", "lamps for the desk"),
    "winter jackets": ("winter jackets", "warm jackets"),
    "language courses": ("language courses", "courses in foreign languages"),
    "garden tools": ("garden tools", "tools for the garden"),
    "hiking backpacks": ("hiking backpacks", "backpacks for hikers"),
    "kitchen knives": ("kitchen knives", "knives for the kitchen"),
    "yoga mats": ("yoga mats", "mats for yoga"),
    "board games": ("board games", "games for the table"),
    "headphones": ("wireless headphones", "headphones"),
    "herbal teas": ("herbal teas", "caffeine-free teas"),
    "picture books": ("picture books", "books for small children"),
    "bicycle lights": ("bicycle lights", "lights for bicycles"),
    "bath towels": ("bath towels", "towels for the bathroom"),
    "baking kits": ("baking kits", "kits for baking bread"),
    "family tents": ("family tents", "tents for families"),
    "watercolour sets": ("watercolour sets", "watercolours"),
    "office chairs": ("office chairs", "chairs for the office"),
    "dog beds": ("dog beds", "beds for dogs"),
}
"""How a brief calls each topic of the domain, in the order of the topics."""

_MAKERS = """
Abbott Ashby Barlow Bexley Calder Corwen Dalby Denholm Ellery Fenwick Garrow Hadley Harlow Ibsen
Jarrow Kendal Larkin Marlow Nevis Osborne Penrose Quill Ridley Selby Tarrant Upton Vernon Winslow
Yarrow Zeller
"""

_PARTNERS = """
Archer Birch Cole Drake Elm Finch Grove Heath Ives Jay Knox Lowe Moss North Oakes Pike Quinn Reed
Stone Thorne Underhill Vale Wren York Sons Daughters Company Brothers Sisters Partners
"""

SLOTS: tuple[Slot, ...] = (
    FreeSlot(
        "request",
        (
            "Write a teaser about",
            "Please write a headline about",
            "We need a headline about",
            "Draft a newsletter item about",
            "I am looking for a teaser about",
            "Give me two lines about",
            "Next on the list: a headline about",
            "Please draft a short blurb about",
        ),
    ),
    TopicSlot(tuple(ASKED.values())),
    FreeSlot("maker", tuple(f"from {name}" for name in _MAKERS.split())),
    FreeSlot("partner", tuple(f"& {name}." for name in _PARTNERS.split())),
    AttributeSlot(
        "expert_readers",
        on=(
            "Readers know the subject well.",
            "It goes to our most experienced customers.",
            "The audience is demanding.",
            "Speak to enthusiasts.",
            "They have owned several already.",
        ),
        off=(
            "Many of them are beginners.",
            "Think of a first purchase.",
            "Assume that all this is unfamiliar.",
            "Keep newcomers in mind.",
            "Write for complete novices.",
        ),
    ),
    AttributeSlot(
        "gift",
        on=(
            "We sell it as a present.",
            "It runs in the gift guide.",
            "Birthdays are the occasion.",
            "Pitch it to people who shop for others.",
            "The holidays are coming.",
        ),
        off=(
            "It is meant for everyday use.",
            "It appears in the regular section.",
            "They would buy it for themselves.",
            "Nothing festive this time.",
            "Ordinary weekdays should come to mind.",
        ),
    ),
    AttributeSlot(
        "premium",
        on=(
            "This is the premium line.",
            "Expensive, and proud of it.",
            "Luxury is the point.",
            "Our costliest range so far.",
            "Top of the catalogue.",
        ),
        off=(
            "It has to sound affordable.",
            "Budgets are tight.",
            "Aim at bargain hunters.",
            "Think of students with little money.",
            "A low price is what they want.",
        ),
    ),
    AttributeSlot(
        "playful",
        on=(
            "Make it playful.",
            "A little humour is welcome.",
            "Have some fun with it.",
            "Be cheeky.",
            "A wink would help.",
        ),
        off=(
            "Stay factual.",
            "No jokes, please.",
            "The tone should be sober.",
            "Strictly serious.",
            "Keep a straight face.",
        ),
    ),
    AttributeSlot(
        "hurried",
        on=(
            "I need it by noon.",
            "It goes out tonight.",
            "The page closes in an hour.",
            "As soon as possible, thanks.",
            "Quickly, the printer is waiting.",
        ),
        off=(
            "There is no rush.",
            "Next week is fine.",
            "Send it whenever you like.",
            "Friday is early enough.",
            "We publish it later this season.",
        ),
    ),
)
