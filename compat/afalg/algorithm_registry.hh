// AlgorithmRegistry: the algorithms of a stack: rows that were added, and instances of templates, made when they are first asked
// for and kept, as Linux keeps them.
#pragma once

#include "base/list.hh"
#include "compat/afalg/algorithm_name.hh"
#include "compat/syscalls/task_mutex.hh"

namespace lxnet {

class Stack;
class TemplateBuilder;
struct AlgorithmInstance;
struct AlgorithmTemplate;

enum class SelfTest : uint8_t { Untried, Passed, Failed, NoAnswerKnown };

class AlgorithmRegistry {
 public:
  // One implementation in the list.
  struct Listed {
    ListLink link;
    const Algorithm* row = nullptr;
    SelfTest self_test = SelfTest::Untried;
    bool is_instance = false;  // it is the first member of an AlgorithmInstance
  };

  explicit AlgorithmRegistry(const Hal& hal) : hal_(hal), mutex_(hal, LockRank::Configuration) {}
  ~AlgorithmRegistry();
  // Null where lxnet_enable_afalg() was not called.
  static AlgorithmRegistry* find(Stack& stack);

  // Rows that outlive the registry; before the first call of a program. ENOMEM, EEXIST for a driver name that is taken, EINVAL
  // for one past the bounds of algorithm.hh.
  Result<> add(std::span<const Algorithm* const> rows);

  // The best implementation of a name, or the one whose driver name it is. ENOENT, ELIBBAD when all there is has failed its known
  // answers, ENOMEM.
  Result<const Algorithm*> get(Entry& entry, NameView name, AlgorithmKind kind);

  // The newest first, as /proc/crypto has them: calls visit(context, row, self test) for each.
  using Visit = void (*)(void* context, const Algorithm& row, SelfTest self_test);
  void visit_all(Entry& entry, Visit visit, void* context);

 private:
  friend class TemplateBuilder;
  static constexpr int kMaxDepth = 6;

  Result<const Algorithm*> get_locked(NameView name, AlgorithmKind kind, int depth) REQUIRES(mutex_);
  Result<const Algorithm*> find_locked(NameView name, AlgorithmKind kind) REQUIRES(mutex_);
  Result<> instantiate_locked(NameView name, AlgorithmKind kind, int depth) REQUIRES(mutex_);
  Result<> create_checked(const AlgorithmTemplate& row, TemplateBuilder& builder, AlgorithmInstance& instance);
  Result<> add_one(const Algorithm& row);
  bool has_driver(NameView driver);

  const Hal& hal_;
  TaskMutex mutex_;
  List<Listed, &Listed::link> entries_;
};

}  // namespace lxnet
