// The files that `redraft init` writes: a task that works as it stands, small enough to read whole.
#include "cli/starter.h"

namespace redraft {
namespace {

constexpr std::string_view kTask =
    R"(# What kind of message is this? Change the data, the instruction and the choices to your own.
name = "messages"

[data]
file = "data.jsonl"               # split by content: 40 % train, 30 % val, 30 % test, which stays sealed to the end
inputs = ["text"]
labels = ["kind"]

[program]
instruction = "What kind of message is this?"
output = { kind = ["question", "request", "complaint"] }
demos = 4                         # at most so many examples in the prompt

[metric]
name = "exact_match"

[optimizer]
name = "demo_search"              # `redraft list optimizers` names the others

[models]
student = "embedded"              # or "https://host/v1#model" with the key in an environment variable

[budget]
calls = 1000
)";

constexpr std::string_view kIgnored =
    R"(# Runs are large and belong to one machine; the artefact (*.best.json) is worth keeping.
*.redraft.db*
.env
)";

constexpr std::string_view kRows = R"({"text": "Do you open on public holidays?", "kind": "question"}
{"text": "Please send the invoice once more.", "kind": "request"}
{"text": "The parcel arrived soaked and torn.", "kind": "complaint"}
{"text": "Which of your bags fits a 15 inch laptop?", "kind": "question"}
{"text": "Change my delivery address to Mill Lane 4.", "kind": "request"}
{"text": "I have waited three weeks and nobody answers.", "kind": "complaint"}
{"text": "How long does the battery last when the lamp is on?", "kind": "question"}
{"text": "I would like to swap the mug for a larger one.", "kind": "request"}
{"text": "The zip broke on the second day.", "kind": "complaint"}
{"text": "Is the blue jacket also made for children?", "kind": "question"}
{"text": "Put me on the list for the autumn sale.", "kind": "request"}
{"text": "You charged me twice and kept silent about it.", "kind": "complaint"}
{"text": "Can I pay in two instalments?", "kind": "question"}
{"text": "Please cancel the second lamp of my order.", "kind": "request"}
{"text": "This is the worst helpline I have ever called.", "kind": "complaint"}
{"text": "Where do I find the serial number?", "kind": "question"}
{"text": "Send somebody to fit the dishwasher next week.", "kind": "request"}
{"text": "The colour is nothing like the picture.", "kind": "complaint"}
{"text": "Does the kettle switch off by itself?", "kind": "question"}
{"text": "Let me know as soon as the parcel leaves.", "kind": "request"}
{"text": "Half of the screws were missing again.", "kind": "complaint"}
{"text": "What is the difference between the two models?", "kind": "question"}
{"text": "Add a gift card for twenty euros to my order.", "kind": "request"}
{"text": "Your driver left the box in the rain.", "kind": "complaint"}
{"text": "Are the filters sold separately?", "kind": "question"}
{"text": "Please delete my account and all that belongs to it.", "kind": "request"}
{"text": "The lamp flickers and gives me a headache.", "kind": "complaint"}
{"text": "When will the small size be back?", "kind": "question"}
{"text": "Hold the bicycle for me until Friday.", "kind": "request"}
{"text": "I was promised Monday and it is Thursday now.", "kind": "complaint"}
{"text": "Is there a student price?", "kind": "question"}
{"text": "I need the manual in Spanish, please.", "kind": "request"}
{"text": "The coffee tastes of plastic whatever I do.", "kind": "complaint"}
{"text": "Who do I call about the guarantee?", "kind": "question"}
{"text": "Call me back after five o'clock.", "kind": "request"}
{"text": "Your page loses my basket every single time.", "kind": "complaint"}
{"text": "May I wash the cover at 60 degrees?", "kind": "question"}
{"text": "Please split the delivery into two parcels.", "kind": "request"}
{"text": "The chair wobbles and nobody cares.", "kind": "complaint"}
{"text": "Do the shoes run large or small?", "kind": "question"}
{"text": "Take the old fridge away when you bring the new one.", "kind": "request"}
{"text": "It stopped working after one week.", "kind": "complaint"}
{"text": "How many cups does the pot hold?", "kind": "question"}
{"text": "Wrap the book as a present.", "kind": "request"}
{"text": "The voucher was refused at the till, how embarrassing.", "kind": "complaint"}
{"text": "Does the tent come with pegs?", "kind": "question"}
{"text": "Make the invoice out to my company, please.", "kind": "request"}
{"text": "The sole came off on the first walk.", "kind": "complaint"}
{"text": "Is your shop in Lyon still open?", "kind": "question"}
{"text": "Please reset my password.", "kind": "request"}
{"text": "I was put through to five people and got nowhere.", "kind": "complaint"}
{"text": "Which oil does the wood need?", "kind": "question"}
{"text": "Reserve a table saw for the weekend.", "kind": "request"}
{"text": "The shirt shrank by two sizes.", "kind": "complaint"}
{"text": "What does the orange light mean?", "kind": "question"}
{"text": "Send me two more keys for the cabinet.", "kind": "request"}
{"text": "You sent the wrong size for the third time.", "kind": "complaint"}
{"text": "Can the shelf carry a television?", "kind": "question"}
{"text": "Please stop the newsletter.", "kind": "request"}
{"text": "The smell of the sofa fills the whole flat.", "kind": "complaint"}
{"text": "Do you ship to Norway?", "kind": "question"}
{"text": "Deliver to the neighbour if nobody is in.", "kind": "request"}
{"text": "The new version of the app is a step back.", "kind": "complaint"}
{"text": "How do I know whether my order went through?", "kind": "question"}
{"text": "Please give me the name of whoever looks after my area.", "kind": "request"}
{"text": "The jar was broken and the oil went over everything.", "kind": "complaint"}
{"text": "Is the screen bright enough for the garden?", "kind": "question"}
{"text": "Quote me a price for forty chairs.", "kind": "request"}
{"text": "The guarantee turned out to be worthless.", "kind": "complaint"}
{"text": "Why are there two prices on the page?", "kind": "question"}
{"text": "Book me in for the coffee course in May.", "kind": "request"}
{"text": "The lid never closes properly.", "kind": "complaint"}
)";

}  // namespace

const std::vector<StarterFile>& starter_files() {
  static const std::vector<StarterFile> files = {{"task.toml", kTask}, {"data.jsonl", kRows}, {".gitignore", kIgnored}};
  return files;
}

}  // namespace redraft
