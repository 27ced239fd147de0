#include "trace_diff/html_page.hh"
#include "trace_diff/report.hh"
#include "trace_diff/text.hh"

namespace lxnet::trace {

std::string html_report(const Report& report) {
  constexpr std::string_view kPlace = "@DATA@";
  size_t place = kHtmlPage.find(kPlace);
  return cat(kHtmlPage.substr(0, place), json_report(report), kHtmlPage.substr(place + kPlace.size()));
}

}  // namespace lxnet::trace
