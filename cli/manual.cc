#include "cli/manual.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "base/shown.h"
#include "base/version.h"
#include "cli/exit_code.h"
#include "cli/flags.h"
#include "cli/suggestion.h"

namespace scoutlight::cli {
namespace {

// Roff that shows `text` as it is: no character is taken for a request, or for a typographic one.
std::string Escaped(absl::string_view text) {
  std::string escaped = absl::StrReplaceAll(
      text, {{"\\", "\\e"}, {"-", "\\-"}, {"'", "\\(aq"}, {"`", "\\(ga"}, {"^", "\\(ha"}, {"~", "\\(ti"}, {"\"", "\\(dq"}});
  if (!escaped.empty() && escaped.front() == '.') escaped.insert(0, "\\&");
  return escaped;
}

std::string Bold(absl::string_view text) { return absl::StrCat("\\fB", Escaped(text), "\\fR"); }
std::string Italic(absl::string_view text) { return absl::StrCat("\\fI", Escaped(text), "\\fR"); }

// "scoutctl", "kv", "get".
std::vector<std::string> WordsOf(const CLI::App& verb) {
  std::vector<std::string> words;
  for (const CLI::App* app = &verb; app != nullptr; app = app->get_parent()) words.push_back(app->get_name());
  std::reverse(words.begin(), words.end());
  return words;
}

std::string PageName(const CLI::App& verb) { return absl::StrJoin(WordsOf(verb), "-"); }

std::vector<const CLI::App*> VerbsOf(const CLI::App& app) {
  // Those of an empty group are no verbs of a person's.
  return app.get_subcommands([](const CLI::App* verb) { return !verb->get_group().empty(); });
}

std::vector<const CLI::Option*> OptionsOf(const CLI::App& verb, bool are_positional) {
  return verb.get_options([are_positional](const CLI::Option* option) {  //
    return option->get_positional() == are_positional && !option->get_group().empty();
  });
}

// "-r, --recursive", "--revision REVISION".
std::string FlagText(const CLI::Option& flag) {
  std::vector<std::string> names;
  for (const std::string& name : flag.get_snames()) names.push_back(Bold(absl::StrCat("-", name)));
  for (const std::string& name : flag.get_lnames()) names.push_back(Bold(absl::StrCat("--", name)));
  const bool takes_value = flag.get_items_expected_max() > 0 && !flag.get_type_name().empty();
  return absl::StrCat(absl::StrJoin(names, ", "), takes_value ? absl::StrCat(" ", Italic(flag.get_type_name())) : "");
}

std::string ArgumentName(const CLI::Option& argument) { return argument.get_name(/*positional=*/true); }

// "[flags] KEY [VALUE]".
std::string ArgumentsText(const CLI::App& verb) {
  std::string text = absl::StrCat("[", Italic("flags"), "]");
  for (const CLI::Option* argument : OptionsOf(verb, /*are_positional=*/true)) {
    const bool is_of_command = ArgumentName(*argument) == "COMMAND";
    const std::string name = absl::StrCat(is_of_command ? "\\-\\- " : "", Italic(ArgumentName(*argument)), is_of_command ? " ..." : "");
    absl::StrAppend(&text, " ", argument->get_required() ? name : absl::StrCat("[", name, "]"));
  }
  return text;
}

// A line for each way to call it: a group of verbs may be a verb too.
std::string SynopsisOf(const CLI::App& verb) {
  const std::string called = Bold(absl::StrJoin(WordsOf(verb), " "));
  const std::string by_itself = absl::StrCat(called, " ", ArgumentsText(verb), "\n");
  if (VerbsOf(verb).empty()) return by_itself;
  const std::string with_verb = absl::StrCat(called, " ", Italic("VERB"), " ...\n");
  return OptionsOf(verb, /*are_positional=*/true).empty() ? with_verb : absl::StrCat(by_itself, ".br\n", with_verb);
}

void AddItem(const std::string& what, absl::string_view help, std::string* page) {
  absl::StrAppend(page, ".TP\n", what, "\n", Escaped(help), "\n");
}

void AddFlags(const std::string& title, const CLI::App& verb, std::string* page) {
  const std::vector<const CLI::Option*> flags = OptionsOf(verb, /*are_positional=*/false);
  if (flags.empty()) return;
  absl::StrAppend(page, ".SH ", title, "\n");
  for (const CLI::Option* flag : flags) {
    const std::string variable = flag->get_envname();
    AddItem(FlagText(*flag), absl::StrCat(flag->get_description(), variable.empty() ? "" : absl::StrCat("; environment: ", variable)),
            page);
  }
}

void AddArguments(const CLI::App& verb, std::string* page) {
  const std::vector<const CLI::Option*> arguments = OptionsOf(verb, /*are_positional=*/true);
  if (arguments.empty()) return;
  absl::StrAppend(page, ".SH ARGUMENTS\n");
  for (const CLI::Option* argument : arguments) AddItem(Italic(ArgumentName(*argument)), argument->get_description(), page);
}

void AddVerbs(const CLI::App& group, std::string* page) {
  const std::vector<const CLI::App*> verbs = VerbsOf(group);
  if (verbs.empty()) return;
  absl::StrAppend(page, ".SH VERBS\n");
  for (const CLI::App* verb : verbs) AddItem(absl::StrCat(Bold(PageName(*verb)), "(1)"), verb->get_description(), page);
}

// What a verb says besides its flags, and its example: as SetExample has put them.
void AddFooter(const CLI::App& verb, std::string* page) {
  Footer footer = FooterOf(verb);
  // They have a section of their own.
  footer.text = footer.text.substr(0, footer.text.find("\n\nExit codes: "));
  if (!footer.text.empty()) absl::StrAppend(page, ".PP\n", Escaped(absl::StrReplaceAll(footer.text, {{"\n", " "}})), "\n");
  if (!footer.example.empty()) absl::StrAppend(page, ".SH EXAMPLE\n.nf\n", Escaped(footer.example), "\n.fi\n");
}

void AddSeeAlso(const CLI::App& verb, std::string* page) {
  std::vector<std::string> others;
  for (const CLI::App* above = verb.get_parent(); above != nullptr; above = above->get_parent()) {
    others.push_back(absl::StrCat(Bold(PageName(*above)), "(1)"));
  }
  if (!others.empty()) absl::StrAppend(page, ".SH SEE ALSO\n", absl::StrJoin(others, ", "), "\n");
}

// The paths of all verbs below, each before those below it.
void ListVerbs(const CLI::App& app, std::string* lines) {
  for (const CLI::App* verb : VerbsOf(app)) {
    const std::vector<std::string> words = WordsOf(*verb);
    absl::StrAppend(lines, absl::StrJoin(words.begin() + 1, words.end(), " "), "\n");
    ListVerbs(*verb, lines);
  }
}

absl::StatusOr<const CLI::App*> FindVerb(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* found = &app;
  for (const std::string& word : words) {
    const CLI::App* next = nullptr;
    std::vector<std::string> names;
    for (const CLI::App* verb : VerbsOf(*found)) {
      if (verb->get_name() == word) next = verb;
      names.push_back(verb->get_name());
    }
    if (next == nullptr) {
      const std::string meant = Suggestion(word, names);
      return InvalidField(Reason::kInvalidField, "VERB",
                          absl::StrCat(Shown(word), " is no verb", meant.empty() ? "" : absl::StrCat("; did you mean ", meant, "?")));
    }
    found = next;
  }
  return found;
}

}  // namespace

std::string ManualPage(const CLI::App& verb, const CLI::App& app) {
  const bool is_verb = &verb != &app;
  const std::string name = PageName(verb);
  std::string page = absl::StrCat(".TH ", Escaped(absl::AsciiStrToUpper(name)), " 1 \"\" \"scoutctl ", kVersion, "\" \"ScoutLight\"\n");
  // Words stay whole: they are there to be copied.
  absl::StrAppend(&page, ".nh\n.ad l\n");
  // The program's own begins with its name.
  const std::string help(absl::StripSuffix(absl::StripPrefix(verb.get_description(), "scoutctl: "), "."));
  absl::StrAppend(&page, ".SH NAME\n", Escaped(name), " \\- ", Escaped(help), "\n");
  absl::StrAppend(&page, ".SH SYNOPSIS\n", SynopsisOf(verb));
  absl::StrAppend(&page, ".SH DESCRIPTION\n", Escaped(absl::StrCat(absl::AsciiStrToUpper(help.substr(0, 1)), help.substr(1))), ".\n");
  AddFooter(verb, &page);
  AddVerbs(verb, &page);
  AddArguments(verb, &page);
  if (is_verb) AddFlags("FLAGS", verb, &page);
  AddFlags("FLAGS OF ALL VERBS", app, &page);
  absl::StrAppend(&page, ".SH EXIT STATUS\n", Escaped(ExitCodesText()), "\n");
  AddSeeAlso(verb, &page);
  return page;
}

Manual::Manual(CLI::App* app, Verb* chosen) : app_(*app) {
  CLI::App* const verb = app->add_subcommand("man", "print the manual page of a verb, or of scoutctl, for man(1)");
  verb->add_option("VERB", verb_, "its words, such as kv get")->type_name("");
  verb->add_flag("--list", list_, "the verbs that have a page, a line each");
  SetExample(verb, "scoutctl man kv get | man -l -");
  ChooseLocal(verb, this, &Manual::Show, chosen);
}

absl::Status Manual::Show(Printer* printer) const {
  std::string text;
  if (list_) {
    ListVerbs(app_, &text);
  } else {
    const absl::StatusOr<const CLI::App*> verb = FindVerb(app_, verb_);
    if (!verb.ok()) return verb.status();
    text = ManualPage(**verb, app_);
  }
  printer->Raw(text);
  return absl::OkStatus();
}

}  // namespace scoutlight::cli
