"""Briefs for replies: what a user tells an assistant before it helps, and fourteen further tasks."""

from __future__ import annotations

from simulators.text.slots import AttributeSlot, FreeSlot, Slot, TopicSlot

MORE_TOPICS = {
    "grow tomatoes on a balcony": (
        "choose a sunny corner and a deep pot for the tomatoes.",
        "water the tomatoes in the morning.",
        "tie the tomato plants to a stick before they lean.",
        "feed the tomatoes every second week.",
    ),
    "learn to play the guitar": (
        "practise three guitar chords until they ring.",
        "tune the guitar before you play.",
        "play the guitar for ten minutes a day.",
        "pick one song and play it slowly.",
    ),
    "move to another city": (
        "pack one room at a time before the move.",
        "visit the new city before you rent.",
        "give notice and compare movers early.",
        "give away what you will not need in the new city.",
    ),
    "prepare for a job interview": (
        "rehearse your answers aloud before the interview.",
        "read about the company and its products.",
        "prepare three questions for the interviewer.",
        "arrive early and bring notes to the interview.",
    ),
    "sleep better": (
        "go to bed at the same hour every night.",
        "keep the bedroom dark and cool.",
        "leave the phone outside the bedroom.",
        "avoid coffee after lunch and sleep longer.",
    ),
    "write a wedding speech": (
        "tell one good story in the wedding speech.",
        "keep the speech under five minutes.",
        "thank the parents and toast the couple.",
        "read the speech aloud to a friend before the wedding.",
    ),
    "repair a bicycle": (
        "clean the chain and check the brakes of the bicycle.",
        "patch the tube and pump up the tyres.",
        "tighten every bolt on the bicycle.",
        "turn the bicycle upside down and test the gears.",
    ),
    "choose a used car": (
        "check the service history of the car.",
        "drive the car on a motorway before you pay.",
        "have a mechanic inspect the used car.",
        "compare prices and look under the car for rust.",
    ),
    "organise my photos": (
        "sort the photos by year.",
        "delete blurred photos first.",
        "keep two copies of every photo.",
        "make one album for each trip.",
    ),
    "adopt a rescue dog": (
        "visit the shelter twice and walk the dog.",
        "ask the shelter about the dog's past.",
        "set up a quiet place for the dog at home.",
        "plan the first week with the dog carefully.",
    ),
    "study for an exam": (
        "solve old papers before the exam.",
        "split the exam material into small parts.",
        "explain each chapter aloud and test yourself.",
        "sleep well on the night before the exam.",
    ),
    "paint my living room": (
        "wash the walls and cover the floor before you paint.",
        "test the colour on one wall.",
        "paint the ceiling first and the walls after it.",
        "use a good roller and two thin coats of paint.",
    ),
    "start a book club": (
        "invite six readers to the book club.",
        "pick a short book for the first meeting.",
        "meet on the same evening every month.",
        "let the members of the club take turns as hosts.",
    ),
    "plan a hike": (
        "pick a short trail with a view.",
        "pack water and snacks for the hike.",
        "start the hike early and turn back in time.",
        "let the slowest walker set the pace.",
    ),
}
"""Topics that the six plain prompts lack: how a text names them."""

ASKED = {
    "plan a birthday party": ("plan a birthday party.", "organise a party for a birthday."),
    "write a cover letter": ("write a cover letter.", "finish my cover letter."),
    "fix a slow laptop": ("fix a slow laptop.", "make my old laptop faster."),
    "learn to cook": ("learn to cook.", "cook proper meals at home."),
    "save money on travel": ("save money on travel.", "travel for less."),
    "train for a first marathon": ("train for a marathon.", "get ready for a marathon."),
    "grow tomatoes on a balcony": ("grow tomatoes on a balcony.", "raise tomato plants in pots."),
    "learn to play the guitar": ("learn to play the guitar.", "play guitar for my friends."),
    "move to another city": ("move to another city.", "plan a move across the country."),
    "prepare for a job interview": ("prepare for a job interview.", "do well in an interview."),
    "sleep better": ("sleep better.", "fall asleep earlier."),
    "write a wedding speech": ("write a wedding speech.", "give a toast at a wedding."),
    "repair a bicycle": ("repair a bicycle.", "get my bike on the road again."),
    "choose a used car": ("choose a used car.", "buy a second-hand car."),
    "organise my photos": ("organise my photos.", "sort thousands of photos."),
    "adopt a rescue dog": ("adopt a rescue dog.", "take in a dog from the shelter."),
    "study for an exam": ("study for an exam.", "pass an exam in statistics."),
    "paint my living room": ("paint my living room.", "give two rooms a coat of paint."),
    "start a book club": ("start a book club.", "set up a reading group."),
    "plan a hike": ("plan a hike for the weekend.", "find a good hike nearby."),
}
"""How a brief calls each topic of the domain, in the order of the topics."""

_OCCUPATIONS = """
a nurse, a teacher, a baker, a plumber, a student, a librarian, a bus driver, a translator, a
waiter, a gardener, a lawyer, a carpenter, a pharmacist, a cashier, a designer, a farmer, a
hairdresser, a journalist, a musician, a postman, a receptionist, a surveyor, a tailor, a vet, a
welder, an accountant, an architect, an electrician, an engineer, an optician
"""

_PLACES = """
Aberdeen Bath Bergen Bristol Cardiff Cork Delft Dublin Exeter Galway Ghent Glasgow Graz Hull
Kingston Leeds Leipzig Lincoln Lyon Malmo Norwich Oxford Porto Preston Quebec Seattle Toledo Utrecht
Vancouver Wellington
"""

SLOTS: tuple[Slot, ...] = (
    FreeSlot(
        "request",
        (
            "Help me",
            "Please help me",
            "I want to",
            "I need to",
            "I would like to",
            "My plan is to",
            "I have decided to",
            "Tell me how to",
        ),
    ),
    TopicSlot(tuple(ASKED.values())),
    FreeSlot(
        "occupation", tuple(f"I am {name}" for name in _OCCUPATIONS.strip().replace("\n", " ").split(", "))
    ),
    FreeSlot("place", tuple(f"in {name}." for name in _PLACES.split())),
    AttributeSlot(
        "practised",
        on=(
            "I know the basics.",
            "I am no beginner.",
            "I've tried it several times.",
            "It would be my third attempt.",
            "I learned a lot last year.",
        ),
        off=(
            "I have never done this.",
            "I'm starting from zero.",
            "All of it is new to me.",
            "Where does one even begin?",
            "I lack any experience.",
        ),
    ),
    AttributeSlot(
        "hurried",
        on=(
            "I have two days.",
            "Time is short.",
            "The deadline is tomorrow.",
            "I want results by Sunday.",
            "I can only spare an hour.",
        ),
        off=(
            "There's no hurry.",
            "I am free all summer.",
            "Any pace suits me.",
            "Months remain.",
            "Slow and steady is fine.",
        ),
    ),
    AttributeSlot(
        "frugal",
        on=(
            "My budget is tiny.",
            "I cannot spend much.",
            "Money is tight.",
            "It has to be cheap.",
            "I count every penny.",
        ),
        off=(
            "Cost doesn't matter.",
            "I am happy to pay for quality.",
            "A splurge is okay.",
            "My employer covers expenses.",
            "I've put plenty aside.",
        ),
    ),
    AttributeSlot(
        "company",
        on=(
            "My family will join in.",
            "A friend is helping.",
            "There are four of us.",
            "We do it together.",
            "The neighbours are involved.",
        ),
        off=(
            "I'm on my own.",
            "Nobody else is around.",
            "I'll manage alone.",
            "It's a solo effort.",
            "I live by myself.",
        ),
    ),
    AttributeSlot(
        "anxious",
        on=(
            "I am rather nervous.",
            "It keeps me awake.",
            "Honestly, I dread it.",
            "I am afraid of failing.",
            "The thought stresses me.",
        ),
        off=(
            "I look forward to it.",
            "I'm excited already.",
            "It sounds like fun.",
            "I feel calm.",
            "My spirits are high.",
        ),
    ),
)
