#include "stack/bpf/bpf_check.hh"

#include <gtest/gtest.h>

#include "stack/bpf/bpf_program.hh"
#include "tests/stack/bpf/programs.hh"
#include "tests/support/test_hal.hh"

namespace lxnet {
namespace {

using namespace bpf;

bool is_accepted(const Program& program) {
  std::vector<uint16_t> cells(program.size());
  return check_bpf(program, cells).is_ok();
}
// A program of one instruction and a return.
bool is_accepted(const BpfInstruction& instruction) { return is_accepted(Program{instruction, op(kRetK)}); }

TEST(BpfCheckTest, AProgramIsNeitherEmptyNorTooLongAndEndsWithAReturn) {
  EXPECT_FALSE(is_accepted(Program{}));
  EXPECT_TRUE(is_accepted(Program{op(kRetK)}));
  EXPECT_TRUE(is_accepted(Program{op(kRetA)}));
  EXPECT_FALSE(is_accepted(Program{op(kRet | kX)}));
  EXPECT_FALSE(is_accepted(Program{op(kRetK), op(kLdImm)}));
  EXPECT_TRUE(is_accepted(Program(kBpfMaxInstructions, op(kRetK))));
  EXPECT_FALSE(is_accepted(Program(kBpfMaxInstructions + 1, op(kRetK))));
}

TEST(BpfCheckTest, ConstantsThatCannotBeComputedWithAreRefused) {
  EXPECT_FALSE(is_accepted(op(kAlu | kDiv | kK, 0)));
  EXPECT_TRUE(is_accepted(op(kAlu | kDiv | kK, 1)));
  EXPECT_TRUE(is_accepted(op(kAlu | kDiv | kX, 0)));
  EXPECT_FALSE(is_accepted(op(kAlu | kMod | kK, 0)));
  EXPECT_TRUE(is_accepted(op(kAlu | kLsh | kK, 31)));
  EXPECT_FALSE(is_accepted(op(kAlu | kLsh | kK, 32)));
  EXPECT_FALSE(is_accepted(op(kAlu | kRsh | kK, 32)));
}

TEST(BpfCheckTest, JumpsStayInsideAndGoForward) {
  EXPECT_TRUE(is_accepted(op(kJmp | kJa, 0)));
  EXPECT_FALSE(is_accepted(op(kJmp | kJa, 1)));
  EXPECT_FALSE(is_accepted(op(kJmp | kJa, 0xffff'ffff)));
  EXPECT_TRUE(is_accepted(op(kJmp | kJeq | kK, 0, 0, 0)));
  EXPECT_FALSE(is_accepted(op(kJmp | kJeq | kK, 0, 1, 0)));
  EXPECT_FALSE(is_accepted(op(kJmp | kJeq | kK, 0, 0, 1)));
  EXPECT_FALSE(is_accepted(op(kJmp | kJa | kX, 0)));
}

TEST(BpfCheckTest, AMemoryCellIsWrittenOnEveryWayToItsRead) {
  const BpfInstruction write = op(kSt, 3), read = op(kLd | kMem, 3), end = op(kRetA);
  EXPECT_TRUE(is_accepted({write, read, end}));
  EXPECT_FALSE(is_accepted({read, end}));
  EXPECT_FALSE(is_accepted({op(kSt, 16), end}));
  EXPECT_FALSE(is_accepted({op(kStx, 16), end}));
  EXPECT_FALSE(is_accepted({op(kLdx | kMem, 16), end}));
  // One branch passes the write by.
  EXPECT_FALSE(is_accepted({op(kJmp | kJeq, 0, 0, 1), write, read, end}));
  EXPECT_TRUE(is_accepted({op(kJmp | kJeq, 0, 0, 2), op(kSt, 3), op(kJmp | kJa, 1), op(kStx, 3), read, end}));
  // What is not reached may read what it likes.
  EXPECT_TRUE(is_accepted({op(kJmp | kJa, 1), read, end}));
}

TEST(BpfCheckTest, AncillaryLoadsAreKnownOnes) {
  EXPECT_TRUE(is_accepted(load_ancillary(Ancillary::VlanProtocol)));
  EXPECT_FALSE(is_accepted(op(kLdW, kAncillaryOffset + 64)));
  EXPECT_FALSE(is_accepted(op(kLdW, kAncillaryOffset + 1)));
  EXPECT_TRUE(is_accepted(op(kLdW, kAncillaryOffset - 1)));
  EXPECT_TRUE(is_accepted(op(kLd | kInd, kAncillaryOffset + 64)));
  EXPECT_TRUE(is_accepted(op(kLdx | kB | kMsh, kAncillaryOffset + 64)));
}

TEST(BpfProgramTest, IsMadeOnlyOfWhatPassesAndFailsCleanlyWithoutMemory) {
  testing::TestHal host;
  const Program good{op(kLdW, 0), op(kRetA)};
  EXPECT_TRUE(BpfProgram::create(host, Program{}).is_error(Errno::EINVAL));
  EXPECT_TRUE(BpfProgram::create(host, Program{op(kLdW, 0)}).is_error(Errno::EINVAL));
  int failures = 0;
  testing::for_each_failing_allocation(host, [&] {
    auto made = BpfProgram::create(host, good);
    if (made.is_ok()) return;
    EXPECT_EQ(made.error(), Errno::ENOMEM);
    ++failures;
  });
  EXPECT_EQ(failures, 3);
  const Ref<BpfProgram> program = BpfProgram::create(host, good).take();
  EXPECT_TRUE(std::ranges::equal(program->instructions(), good));
  const uint8_t bytes[] = {0, 0, 1, 0};
  EXPECT_EQ(program->run({.linear = bytes, .size = 4}), 256u);
}

}  // namespace
}  // namespace lxnet
