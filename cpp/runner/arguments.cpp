#include "arguments.h"

#include <charconv>
#include <cstddef>

#include "text.h"

namespace hvit_edge {
namespace {

class Parser {
 public:
  Parser(const std::string& command, const CommandRule& rule) : command_(command), rule_(rule) {
    for (const OptionRule& option : rule.options) {
      arguments_.options[option.name] = option.standard;
    }
  }

  Result<Arguments> parse(const std::vector<std::string>& words) {
    bool options_end = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
      const bool option = !options_end && words[i].size() > 1 && words[i][0] == '-';
      if (option && words[i] == "--") {
        options_end = true;
      } else if (option) {
        const std::string* value = i + 1 < words.size() ? &words[i + 1] : nullptr;
        if (Status status = set_option(words[i], value); !status.ok()) return status;
        ++i;
      } else {
        arguments_.operands.push_back(words[i]);
      }
    }
    if (arguments_.operands.size() != rule_.operands.size()) {
      return refuse(concat("expected ", rule_.operands.size(), " operands, got ",
                           arguments_.operands.size()));
    }
    return arguments_;
  }

 private:
  Status refuse(const std::string& fault) const {
    return Status(StatusCode::invalid_argument,
                  concat("[", command_, "] ", fault, "; usage: ", usage_of(command_, rule_)));
  }

  Status set_option(const std::string& name, const std::string* value) {
    for (const OptionRule& option : rule_.options) {
      if (option.name != name) continue;
      int number = 0;
      const char* end = value == nullptr ? nullptr : value->data() + value->size();
      const bool whole = value != nullptr && !value->empty() && [&] {
        const auto [stop, error] = std::from_chars(value->data(), end, number);
        return error == std::errc() && stop == end;
      }();
      if (!whole || number < option.least || number > option.most) {
        return refuse(concat(name, ": expected a whole number from ", option.least, " to ",
                             option.most, ", got ", value == nullptr ? "nothing" : *value));
      }
      arguments_.options[name] = number;
      return Status();
    }
    return refuse("expected a known option, got " + name);
  }

  const std::string& command_;
  const CommandRule& rule_;
  Arguments arguments_;
};

}  // namespace

std::string usage_of(const std::string& command, const CommandRule& rule) {
  std::string text = command;
  for (const std::string& operand : rule.operands) text += " " + operand;
  for (const OptionRule& option : rule.options) {
    text += concat(" [", option.name, " ", option.standard, "]");
  }
  return text;
}

Result<Arguments> parse_arguments(const std::string& command, const CommandRule& rule,
                                  const std::vector<std::string>& words) {
  return Parser(command, rule).parse(words);
}

}  // namespace hvit_edge
