#include "tests/differential/shrink.hh"

#include <algorithm>

namespace differential {

std::vector<int> shrink(std::vector<int> steps, const std::function<bool(const std::vector<int>&)>& still_differs) {
  for (size_t piece = std::max<size_t>(steps.size() / 2, 1);;) {
    bool has_shrunk = false;
    for (size_t end = steps.size(); end > 0;) {
      const size_t begin = end > piece ? end - piece : 0;
      std::vector<int> fewer(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(begin));
      fewer.insert(fewer.end(), steps.begin() + static_cast<std::ptrdiff_t>(end), steps.end());
      if (!fewer.empty() && still_differs(fewer)) {
        steps = std::move(fewer);
        has_shrunk = true;
      }
      end = std::min(begin, steps.size());
    }
    if (piece > 1) {
      piece /= 2;
    } else if (!has_shrunk) {
      return steps;
    }
  }
}

}  // namespace differential
