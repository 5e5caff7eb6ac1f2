"""Briefs for answers: what someone asks on a site about academic life, and fourteen further subjects."""

from __future__ import annotations

from simulators.text.slots import AttributeSlot, FreeSlot, Slot, TopicSlot

MORE_TOPICS = {
    "negotiating a start date": (
        "ask the department for a later start date.",
        "name the start date you want and explain it in one line.",
        "settle the start date before you sign the contract.",
        "request two months between the offer and the start.",
    ),
    "a paper rejected without review": (
        "send the rejected paper to another journal this month.",
        "revise the abstract and submit the paper elsewhere.",
        "accept the rejection and skip the appeal.",
        "ask a colleague to read the paper before you submit it again.",
    ),
    "teaching a class I know little about": (
        "stay one week ahead of the class.",
        "borrow the notes of whoever taught the class before.",
        "admit to the class what you do not know.",
        "prepare fewer topics and teach the class through examples.",
    ),
    "sharing data with another lab": (
        "write down who may use the data.",
        "share the data with a short agreement.",
        "deposit the data in an archive and cite it.",
        "check the consent forms before you share the data.",
    ),
    "leaving a PhD programme": (
        "talk to the graduate office before you leave the programme.",
        "ask whether you can leave with a master's degree.",
        "take a month off before you quit the programme.",
        "speak with people who left the programme.",
    ),
    "an error in my published paper": (
        "report the error to the journal.",
        "publish a correction with your coauthors.",
        "rerun the analysis and measure what the error changes.",
        "tell the editor about the error before others do.",
    ),
    "a student who copied homework": (
        "talk to the student before you report the copying.",
        "follow the rules of the university on copied homework.",
        "keep a copy of both homeworks.",
        "let the integrity office decide about the student.",
    ),
    "presenting at my first conference": (
        "practise the talk aloud three times.",
        "cut the talk to one message and five slides.",
        "visit the conference room before your talk.",
        "prepare answers to likely questions at the conference.",
    ),
    "writing a research statement": (
        "open the research statement with one question.",
        "show the statement to two people outside your field.",
        "keep the research statement under three pages.",
        "link your past research to the next project.",
    ),
    "choosing between two postdocs": (
        "compare the mentors of both postdocs.",
        "call former postdocs of either group.",
        "pick the postdoc that lets you write more.",
        "weigh the city and the salary of each postdoc.",
    ),
    "sick leave during a grant": (
        "inform the grant office about the sick leave.",
        "ask the funder to extend the grant.",
        "read the sick leave clause of the grant.",
        "rest first and rearrange the grant later.",
    ),
    "emailing a busy professor": (
        "keep the email to five sentences.",
        "mention one paper by the professor in the email.",
        "put your question to the professor in the first line.",
        "write to the professor again after two weeks.",
    ),
    "working as a student and a parent": (
        "plan fixed hours with the childcare.",
        "ask the graduate school about parental leave.",
        "find other parents in the department.",
        "protect two mornings a week from the family calendar.",
    ),
    "citing a preprint": (
        "cite the preprint with its version and date.",
        "look for a published version of the preprint.",
        "read the preprint critically before you cite it.",
        "mark the preprint as such in the references.",
    ),
}
"""Topics that the six plain prompts lack: how a text names them."""

ASKED = {
    "asking my advisor for a reference letter": (
        "asking my advisor for a reference letter.",
        "requesting a letter of reference.",
    ),
    "declining a request to review a paper": ("declining a request to review a paper.", "refusing a review."),
    "the order of authors on our paper": ("the order of authors on our paper.", "who comes first as author."),
    "changing my thesis topic": ("changing my thesis topic.", "a new topic for my thesis."),
    "a reviewer who misread our proof": (
        "a reviewer who misread our proof.",
        "a mistaken report on our proof.",
    ),
    "a coauthor who does not reply to email": (
        "a coauthor who does not reply to email.",
        "a silent coauthor.",
    ),
    "negotiating a start date": ("negotiating a start date.", "postponing the start of a new job."),
    "a paper rejected without review": ("a paper rejected without review.", "a desk rejection."),
    "teaching a class I know little about": (
        "teaching a class I know little about.",
        "a course outside my field.",
    ),
    "sharing data with another lab": ("sharing data with another lab.", "a request for our raw data."),
    "leaving a PhD programme": ("leaving a PhD programme.", "dropping out of graduate school."),
    "an error in my published paper": ("an error in my published paper.", "correcting a paper in print."),
    "a student who copied homework": ("a student who copied homework.", "plagiarism in homework."),
    "presenting at my first conference": (
        "presenting at my first conference.",
        "giving my first conference talk.",
    ),
    "writing a research statement": (
        "writing a research statement.",
        "the research statement of a job file.",
    ),
    "choosing between two postdocs": ("choosing between two postdocs.", "two postdoc offers at once."),
    "sick leave during a grant": ("sick leave during a grant.", "falling ill in the middle of a grant."),
    "emailing a busy professor": (
        "emailing a busy professor.",
        "a first email to a professor.",
    ),
    "working as a student and a parent": (
        "working as a student and a parent.",
        "raising a child in graduate school.",
    ),
    "citing a preprint": ("citing a preprint.", "references to unpublished preprints."),
}
"""How a brief calls each topic of the domain, in the order of the topics."""

_FIELDS = """
acoustics, algebra, anthropology, archaeology, astronomy, botany, chemistry, criminology,
demography, ecology, economics, epidemiology, genetics, geography, geology, history, immunology,
law, linguistics, mathematics, mechanics, musicology, neuroscience, optics, philosophy, physics,
psychology, sociology, theology, zoology
"""

_PLACES = """
Argentina Australia Austria Belgium Brazil Canada Chile Denmark Egypt Finland France Germany Ghana
Greece India Ireland Italy Japan Kenya Mexico Norway Poland Portugal Scotland Spain Sweden
Switzerland Taiwan Turkey Vietnam
"""

SLOTS: tuple[Slot, ...] = (
    FreeSlot(
        "request",
        (
            "I have a question about",
            "I would like advice on",
            "I'm unsure about",
            "My question concerns",
            "I would be glad of help with",
            "Please advise me on",
            "I keep wondering about",
            "Some guidance, please, on",
        ),
    ),
    TopicSlot(tuple(ASKED.values())),
    FreeSlot("field", tuple(f"I work in {name}" for name in _FIELDS.strip().replace("\n", " ").split(", "))),
    FreeSlot("place", tuple(f"in {name}." for name in _PLACES.split())),
    AttributeSlot(
        "informed",
        on=(
            "I asked two friends already.",
            "My mentor gave me her opinion.",
            "I know the official policy.",
            "I have read the handbook.",
            "The library had a leaflet on it.",
        ),
        off=(
            "I have no idea of the rules.",
            "It never came up before.",
            "I could not find any guidance.",
            "This is unfamiliar territory.",
            "Nothing was ever explained to me.",
        ),
    ),
    AttributeSlot(
        "hurried",
        on=(
            "I must decide by tomorrow.",
            "The deadline is this week.",
            "It cannot wait.",
            "I need to act today.",
            "Time is running out.",
        ),
        off=(
            "There is no hurry.",
            "Next term is early enough.",
            "I have months to think.",
            "Nothing is pressing.",
            "I ask with the future in mind.",
        ),
    ),
    AttributeSlot(
        "strained",
        on=(
            "We are not on good terms.",
            "There was conflict before.",
            "The atmosphere is tense.",
            "We have argued already.",
            "Trust is low.",
        ),
        off=(
            "Everybody gets along well.",
            "Relations are friendly.",
            "My colleagues are kind.",
            "The group is supportive.",
            "Everyone involved is polite.",
        ),
    ),
    AttributeSlot(
        "remote",
        on=(
            "We only talk online.",
            "They live abroad.",
            "All of it happens by email.",
            "I am away on sabbatical.",
            "Nobody else is in town.",
        ),
        off=(
            "We share an office.",
            "We meet every day.",
            "Their door is next to mine.",
            "I see them at lunch.",
            "Our desks are side by side.",
        ),
    ),
    AttributeSlot(
        "grave",
        on=(
            "My contract depends on it.",
            "My funding is at stake.",
            "A lot hangs on this.",
            "It could end my career.",
            "It affects my visa.",
        ),
        off=(
            "It's a minor matter.",
            "I am mostly curious.",
            "No harm would follow.",
            "Either way is fine with me.",
            "It is hardly important.",
        ),
    ),
)
