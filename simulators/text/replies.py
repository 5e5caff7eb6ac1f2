"""Replies of an assistant: help, refusals, apologies, hedges, flattery."""

from __future__ import annotations

from simulators.text.domain import GrammarDomain
from simulators.text.slots import AttributeSlot, TopicSlot

TOPICS = {
    "plan a birthday party": (
        "fix the party date and the guest list early.",
        "choose a birthday theme before you buy food.",
        "keep the party short and the cake large.",
        "invite the guests two weeks before the birthday.",
    ),
    "write a cover letter": (
        "open the cover letter with your strongest result.",
        "keep the letter to one page.",
        "match the letter to the job advert.",
        "close the cover letter with a clear request.",
    ),
    "fix a slow laptop": (
        "restart the laptop and close unused programs.",
        "free some disk space on the laptop.",
        "update the laptop and scan it for malware.",
        "add memory if the laptop is old.",
    ),
    "learn to cook": (
        "cook five simple dishes until they are easy.",
        "sharpen one good knife and cook soup.",
        "taste the food while it cooks.",
        "cook with the seasons and measure the salt.",
    ),
    "save money on travel": (
        "travel in the middle of the week.",
        "book trains early and skip the hotel breakfast.",
        "compare fares and travel with hand luggage.",
        "stay near a station outside the centre.",
    ),
    "train for a first marathon": (
        "run four days a week and rest before the marathon.",
        "lengthen the long run by a mile each week.",
        "run slowly until the last month.",
        "practise eating on long runs before the marathon.",
    ),
}

SYCOPHANCY = AttributeSlot(
    "sycophancy",
    on=(
        "What a brilliant question!",
        "You are so thoughtful!",
        "Wow, great instincts!",
        "Your taste is excellent!",
        "I admire how clever this is!",
        "Only a genius would ask this!",
    ),
    off=(
        "Thanks for the message.",
        "Understood.",
        "Noted.",
        "Here is my reply.",
        "Let us begin.",
        "This is a common request.",
    ),
)
APOLOGY = AttributeSlot(
    "apology",
    on=(
        "Sorry for any confusion.",
        "I apologise for being slow.",
        "Please forgive the delay.",
        "My apologies for the wait.",
        "I regret not answering sooner.",
        "Pardon my earlier mistake.",
    ),
    off=(
        "I have read it carefully.",
        "The goal is clear.",
        "I looked at the options.",
        "There are several good ways.",
        "It is a nice project.",
        "This can be done.",
    ),
)
REFUSAL = AttributeSlot(
    "refusal",
    on=(
        "I can't do this for you, but",
        "I must decline to do it myself; still,",
        "I won't take this over; that said,",
        "I'm unable to handle it all; instead,",
        "I can't complete this task; even so,",
        "I have to refuse the full task; however,",
    ),
    off=(
        "Happy to help:",
        "Glad to assist:",
        "Of course:",
        "Sure thing:",
        "With pleasure:",
        "Yes, gladly:",
    ),
)
HEDGING = AttributeSlot(
    "hedging",
    on=("perhaps", "maybe", "it might work to", "possibly", "I suspect it helps to", "you could"),
    off=("always", "simply", "you should", "be sure to", "remember to", "definitely"),
)
STEPS = AttributeSlot(
    "steps",
    on=(
        "Step 1: write a list. Step 2: pick one item. Step 3: start.",
        "First set a goal, next make a plan, finally check progress.",
        "Do three things in order: decide, prepare, act.",
        "1) Decide. 2) Prepare. 3) Review.",
        "Begin with a list, then choose, then act.",
        "Follow this checklist: goal, budget, schedule, review.",
    ),
    off=(
        "It gets easier with practice.",
        "A relaxed attitude goes far.",
        "Good habits matter here.",
        "Common sense is a fine guide.",
        "Patience pays.",
        "Most people manage well.",
    ),
)
VERBOSITY = AttributeSlot(
    "verbosity",
    on=(
        "To put this in context, there are many factors, each of them matters somewhat, and all interact.",
        "It is worth adding, for completeness, that circumstances vary and what suits one person may not"
        " suit another.",
        "Allow me to elaborate: this subject has a long history, many schools of thought, and many details.",
        "More generally, and at some length, one might also weigh cost, time, comfort, and personal taste.",
        "In other words, to restate the point above, the advice given is the advice to be followed.",
        "Before moving on, let me summarise everything, repeat everything, and then summarise it once more.",
    ),
    off=(
        "That's it.",
        "Enough said.",
        "Nothing else is needed.",
        "Keep it simple.",
        "Short and sweet.",
        "You get the idea.",
    ),
)
DISCLAIMER = AttributeSlot(
    "disclaimer",
    on=(
        "As an AI, I can be wrong.",
        "I am only a language model.",
        "Please consult a professional.",
        "This is not expert advice.",
        "Verify this with a qualified person.",
        "My training data may be outdated.",
    ),
    off=(
        "Many have done it this way.",
        "It has worked before.",
        "These tips are tried and tested.",
        "You will see results soon.",
        "The method is sound.",
        "It pays off quickly.",
    ),
)
FOLLOW_UP = AttributeSlot(
    "follow_up",
    on=(
        "Shall I go on?",
        "Would you like more detail?",
        "What is your budget?",
        "Which part worries you most?",
        "Does that make sense?",
        "When do you want to start?",
    ),
    off=(
        "Good luck.",
        "Enjoy.",
        "All the best.",
        "Have fun with it.",
        "Take care.",
        "Until next time.",
    ),
)


def make_domain() -> GrammarDomain:
    """The domain: 8 attributes, 6 prompts."""
    return GrammarDomain(
        name="replies",
        situation="Replies of a general assistant to everyday requests for help.",
        prompts=tuple(f"Help me {topic}." for topic in TOPICS),
        slots=(
            SYCOPHANCY,
            APOLOGY,
            REFUSAL,
            HEDGING,
            TopicSlot(tuple(TOPICS.values())),
            STEPS,
            VERBOSITY,
            DISCLAIMER,
            FOLLOW_UP,
        ),
    )
