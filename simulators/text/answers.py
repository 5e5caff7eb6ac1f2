"""Short answers on a question-and-answer site about academic life."""

from __future__ import annotations

from simulators.text.domain import GrammarDomain
from simulators.text.slots import AttributeSlot, FreeSlot, TopicSlot

TOPICS = {
    "asking my advisor for a reference letter": (
        "ask for the letter a month ahead.",
        "request the reference early and attach your CV.",
        "tell your advisor the deadline when you request the letter.",
        "let your advisor know what the letter is for.",
    ),
    "declining a request to review a paper": (
        "decline the review within a week.",
        "turn the review down quickly and name another reviewer.",
        "refuse the review politely, with thanks to the editor.",
        "tell the editor at once that you cannot review the paper.",
    ),
    "the order of authors on our paper": (
        "settle the order of authors before submission.",
        "agree on authorship while the draft is young.",
        "discuss the author list with the whole team.",
        "raise authorship at the next meeting.",
    ),
    "changing my thesis topic": (
        "discuss the new thesis topic with the committee.",
        "propose the change of topic as a one-page plan.",
        "sketch the new thesis before you drop the old one.",
        "check how much of the old thesis can be kept.",
    ),
    "a reviewer who misread our proof": (
        "clarify the proof and thank the reviewer.",
        "treat the misreading as a sign that the proof is unclear.",
        "rewrite the disputed lemma and reply calmly.",
        "answer the reviewer with a worked example of the proof.",
    ),
    "a coauthor who does not reply to email": (
        "call your coauthor instead of sending more email.",
        "give your coauthor a clear deadline.",
        "send your silent coauthor one last reminder.",
        "meet your coauthor in person.",
    ),
}

GREETING = AttributeSlot(
    "greeting",
    on=(
        "Happy Monday!",
        "Happy Monday to you!",
        "Hello and happy Monday!",
        "A very happy Monday!",
        "Good morning, it is Monday!",
        "Monday greetings!",
    ),
    off=(
        "Fair question.",
        "Thanks for asking.",
        "Welcome to the site.",
        "This comes up often.",
        "A common problem.",
        "Here is one answer.",
    ),
)
EMPATHY = AttributeSlot(
    "empathy",
    on=(
        "I know this feels stressful.",
        "I am sorry you are going through this.",
        "That sounds frustrating.",
        "I understand why you worry.",
        "It is a painful spot to be in.",
        "You have my sympathy.",
    ),
    off=(
        "Customs vary by field.",
        "Departments have their own rules.",
        "Conventions differ between countries.",
        "Practice depends on the group.",
        "Policies are set locally.",
        "Every institution handles it differently.",
    ),
)
HEDGING = AttributeSlot(
    "hedging",
    on=(
        "Perhaps",
        "Maybe",
        "I might be wrong, but",
        "Possibly you could",
        "It may be wise to",
        "I am not sure, but I would",
    ),
    off=(
        "Simply",
        "You should",
        "You must",
        "Always",
        "The right move is to",
        "Definitely",
    ),
)
STEPS = AttributeSlot(
    "steps",
    on=(
        "First list the facts, then write, then wait.",
        "Step one: take notes. Step two: speak up.",
        "Begin with a draft, next revise it, finally send it.",
        "1) Prepare. 2) Talk. 3) Follow up.",
        "Do it in order: plan, write, send.",
        "Start small, second get advice, third act.",
    ),
    off=(
        "One short message is enough.",
        "Good manners go a long way.",
        "Being clear helps everyone.",
        "Honesty is usually appreciated.",
        "Keep the tone friendly.",
        "Brevity is a virtue.",
    ),
)
CITATION = AttributeSlot(
    "citation",
    on=(
        "See Meyer (2018) for data.",
        "The handbook, section 4, says so.",
        "Source: Okafor and Lind (2020).",
        "This is shown in [1].",
        "As Tanaka (2015) reports, it works.",
        "Reference: the ethics guidelines, page 7.",
    ),
    off=(
        "That is common sense.",
        "Most people learn it by doing.",
        "Nobody teaches this.",
        "Colleagues will agree.",
        "It is rarely spelled out.",
        "No rule covers every case.",
    ),
)
CODE = AttributeSlot(
    "code",
    on=(
        "Compare drafts with `latexdiff old.tex new.tex`.",
        "Track versions: `git log --oneline`.",
        "To set a date, run `date -d '+14 days'`.",
        "Search your inbox with `grep -i deadline`.",
        "Try `make draft.pdf` first.",
        "Use `\\usepackage{letterhead}` in LaTeX.",
    ),
    off=(
        "A paper notebook is all you need.",
        "Plain language is best.",
        "Any calendar will do.",
        "A phone call is fine too.",
        "Pen and paper suffice.",
        "Ordinary files are fine.",
    ),
)
EXPERIENCE = AttributeSlot(
    "experience",
    on=(
        "I did this myself as a postdoc.",
        "It worked for me twice.",
        "In my own lab, this went smoothly.",
        "When I was a student, I had the same problem.",
        "Speaking as a former editor, I like this.",
        "My students do this every year.",
    ),
    off=(
        "Others report good results.",
        "The outcome tends to be positive.",
        "There is seldom any trouble.",
        "Such cases end well.",
        "Things usually calm down.",
        "Few ever regret it.",
    ),
)
DETAIL = AttributeSlot(
    "detail",
    on=(
        "As background, people are busy, inboxes are full, and silence does not mean hostility.",
        "To explain further, small favours build trust, and trust makes later requests easier.",
        "More broadly, careers are long, memories are longer, and courtesy costs almost nothing.",
        "For context, committees meet once a month, so delays of several weeks are ordinary.",
        "At greater length: expectations drift, deadlines slip, and early warning spares bad feelings.",
        "The reason, in full, is that reputation grows slowly and is lost within days.",
    ),
    off=(
        "That is all.",
        "That settles it.",
        "End of story.",
        "It's that easy.",
        "No need to overthink it.",
        "Leave it there.",
    ),
)
CLOSING = FreeSlot("closing", ("Good luck!", "Hope this helps.", "All the best.", "Best wishes.", "Cheers."))


def make_domain() -> GrammarDomain:
    """The domain: 8 attributes, 6 prompts."""
    return GrammarDomain(
        name="answers",
        situation="Short answers to questions about academic life, as on a question-and-answer site.",
        prompts=tuple(f"Answer a question about {topic}." for topic in TOPICS),
        slots=(
            GREETING,
            EMPATHY,
            HEDGING,
            TopicSlot(tuple(TOPICS.values())),
            STEPS,
            CITATION,
            CODE,
            EXPERIENCE,
            DETAIL,
            CLOSING,
        ),
    )
