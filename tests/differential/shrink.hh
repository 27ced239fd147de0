// Fewer steps that still tell two kernels apart.
#pragma once

#include <functional>
#include <vector>

namespace differential {

// Delta debugging: removes ever smaller pieces of `steps` as long as `still_differs` says so of what is left.
std::vector<int> shrink(std::vector<int> steps, const std::function<bool(const std::vector<int>&)>& still_differs);

}  // namespace differential
