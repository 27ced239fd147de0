// How often a test said each of LTP's results.
#pragma once

namespace lxnet::ltp {

enum class Outcome { Pass, Fail, Broken, Skipped, Warning };

struct Counts {
  int pass = 0;
  int fail = 0;
  int brok = 0;
  int conf = 0;  // TCONF: what the test needs is not there, so it checked nothing
  int warn = 0;

  int& of(Outcome outcome) {
    switch (outcome) {
      case Outcome::Pass:
        return pass;
      case Outcome::Fail:
        return fail;
      case Outcome::Broken:
        return brok;
      case Outcome::Skipped:
        return conf;
      case Outcome::Warning:
        break;
    }
    return warn;
  }
  void add(const Counts& other) {
    pass += other.pass;
    fail += other.fail;
    brok += other.brok;
    conf += other.conf;
    warn += other.warn;
  }
  bool operator==(const Counts&) const = default;
};

}  // namespace lxnet::ltp
