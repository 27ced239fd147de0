// AlgorithmRegistry: the algorithms of a stack: rows that were added, and instances of templates, made when they are first asked
// for and kept, as Linux keeps them, until an administrator deletes them.
#pragma once

#include "base/list.hh"
#include "compat/afalg/algorithm_name.hh"
#include "compat/syscalls/algorithm_report.hh"
#include "compat/syscalls/task_mutex.hh"

namespace lxnet {

class Stack;
class TemplateBuilder;
struct AlgorithmInstance;
struct AlgorithmTemplate;

enum class SelfTest : uint8_t { Untried, Passed, Failed, NoAnswerKnown };

// One implementation of a registry: a copy of its own, since its priority may be changed. Whoever was given an Algorithm by a
// registry has one of these.
struct ListedAlgorithm : Algorithm {
  static ListedAlgorithm& of(const Algorithm& row) { return static_cast<ListedAlgorithm&>(const_cast<Algorithm&>(row)); }
  // CRYPTO_ALG_*.
  uint32_t flags() const;
  uint32_t references() const { return __atomic_load_n(&reference_count, __ATOMIC_RELAXED); }

  ListLink link;
  SelfTest self_test = SelfTest::Untried;
  bool is_instance = false;      // it is the first member of an AlgorithmInstance
  uint32_t reference_count = 1;  // atomic: the list's, and one for each who uses it or something made of it
};

// What somebody uses: it and what it is made of stay, though they may have left the list.
class AlgorithmRef {
 public:
  AlgorithmRef() = default;
  AlgorithmRef(const Hal& hal, const Algorithm& row);
  AlgorithmRef(AlgorithmRef&& other) noexcept : hal_(other.hal_), row_(std::exchange(other.row_, nullptr)) {}
  AlgorithmRef& operator=(AlgorithmRef&& other) noexcept {
    std::swap(hal_, other.hal_);
    std::swap(row_, other.row_);
    return *this;
  }
  ~AlgorithmRef();

  const Algorithm* get() const { return row_; }
  const Algorithm& operator*() const { return *row_; }
  const Algorithm* operator->() const { return row_; }

 private:
  const Hal* hal_ = nullptr;
  const Algorithm* row_ = nullptr;
};

// Which implementations are meant: those whose flags are `type` where `mask` has bits.
struct AlgorithmFilter {
  static AlgorithmFilter of(AlgorithmKind kind);
  bool accepts(uint32_t flags) const { return ((flags ^ type) & mask) == 0; }

  uint32_t type, mask;
};

class AlgorithmRegistry {
 public:
  explicit AlgorithmRegistry(const Hal& hal) : hal_(hal), mutex_(hal, LockRank::Configuration) {}
  ~AlgorithmRegistry();
  // Null where lxnet_enable_afalg() was not called.
  static AlgorithmRegistry* find(Stack& stack);

  // Rows whose functions and names outlive the registry; before the first call of a program. ENOMEM, EEXIST for a driver name
  // that is taken, EINVAL for one past the bounds of algorithm.hh.
  Result<> add(std::span<const Algorithm* const> rows);

  // The best implementation of a name, or the one whose driver name it is. ENOENT; ELIBBAD when all there is has failed its known
  // answers; what a template refused with; EEXIST when what it made answers to another name; ENOMEM.
  Result<AlgorithmRef> get(Entry& entry, NameView name, AlgorithmKind kind);

  // An administrator's wish (algorithm_change.cc). EINVAL, ENOENT, EEXIST, EBUSY, and as get().
  Result<> change(Entry& entry, const AlgorithmChange& change);

  // The newest first, as /proc/crypto has them: calls visit(context, implementation) for each.
  using Visit = void (*)(void* context, const ListedAlgorithm& listed);
  void visit_all(Entry& entry, Visit visit, void* context);

 private:
  friend class TemplateBuilder;
  static constexpr int kMaxDepth = 6;

  Result<const Algorithm*> get_locked(NameView name, AlgorithmFilter filter, int depth) REQUIRES(mutex_);
  // The same, but EAGAIN the first time that what a template made answers to another name.
  Result<const Algorithm*> get_once_locked(NameView name, AlgorithmFilter filter, int depth) REQUIRES(mutex_);
  Result<const Algorithm*> find_locked(NameView name, AlgorithmFilter filter) REQUIRES(mutex_);
  Result<> instantiate_locked(NameView name, AlgorithmFilter filter, int depth) REQUIRES(mutex_);
  Result<> create_checked(const AlgorithmTemplate& row, TemplateBuilder& builder, AlgorithmInstance& instance);
  Result<> add_one(const Algorithm& row);
  bool has_driver(NameView driver);

  enum class Match : uint8_t { DriverOrName, Driver };
  ListedAlgorithm* find_match_locked(const AlgorithmChange& change, Match match) REQUIRES(mutex_);
  Result<> add_locked(const AlgorithmChange& change) REQUIRES(mutex_);
  Result<> delete_locked(ListedAlgorithm& listed) REQUIRES(mutex_);
  void remove_dependents_locked(const ListedAlgorithm& part) REQUIRES(mutex_);

  const Hal& hal_;
  TaskMutex mutex_;
  List<ListedAlgorithm, &ListedAlgorithm::link> entries_;
};

// Takes back a reference; what nobody has any more goes.
void drop_algorithm(const Hal& hal, ListedAlgorithm& listed);

}  // namespace lxnet
