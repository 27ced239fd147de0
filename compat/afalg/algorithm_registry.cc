// Names are resolved as crypto/api.c and crypto/algboss.c do: what is there by its driver name or, by priority, by its name; else
// a template is applied, and then what it made must answer to the name that was asked for.
#include "compat/afalg/algorithm_registry.hh"

#include "compat/afalg/algorithm_template.hh"
#include "compat/afalg/self_test.hh"
#include "compat/syscalls/compat_state.hh"

namespace lxnet {
namespace {

constexpr uint32_t kFlagTested = 0x400, kFlagInstance = 0x800, kFlagOptionalKey = 0x4000, kTypeMask = 0xf;

uint32_t type_of(AlgorithmKind kind) {
  switch (kind) {
    case AlgorithmKind::Hash:
      return 0xe;
    case AlgorithmKind::Cipher:
      return 0x1;
    case AlgorithmKind::Skcipher:
      return 0x5;
    case AlgorithmKind::Aead:
      return 0x3;
    case AlgorithmKind::Rng:
      break;
  }
  return 0xc;
}

bool is_within_bounds(const Algorithm& row) {
  return NameView::of(row.name).size < kAlgorithmNameSize && NameView::of(row.driver).size < kAlgorithmNameSize &&
         (row.kind != AlgorithmKind::Hash || (row.digest_size <= kMaxDigestSize && row.state_size <= kMaxHashStateSize)) &&
         row.iv_size <= kMaxIvSize && row.block_size <= kMaxBlockSize && row.block_size != 0;
}

}  // namespace

uint32_t ListedAlgorithm::flags() const {
  return type_of(kind) | (self_test == SelfTest::Failed ? 0 : kFlagTested) | (is_instance ? kFlagInstance : 0) |
         (key_is_optional ? kFlagOptionalKey : 0);
}

AlgorithmFilter AlgorithmFilter::of(AlgorithmKind kind) { return {type_of(kind), kTypeMask}; }

void drop_algorithm(const Hal& hal, ListedAlgorithm& listed) {
  if (__atomic_sub_fetch(&listed.reference_count, 1, __ATOMIC_ACQ_REL) != 0) return;
  if (listed.is_instance) {
    dispose(hal, reinterpret_cast<AlgorithmInstance*>(&listed));
  } else {
    dispose(hal, &listed);
  }
}

namespace {

void hold(const Algorithm& row) {
  __atomic_fetch_add(&ListedAlgorithm::of(row).reference_count, 1, __ATOMIC_RELAXED);
  for (const Algorithm* part : row.parts) {
    if (part != nullptr) hold(*part);
  }
}

void release(const Hal& hal, const Algorithm& row) {
  for (const Algorithm* part : row.parts) {
    if (part != nullptr) release(hal, *part);
  }
  drop_algorithm(hal, ListedAlgorithm::of(row));
}

}  // namespace

AlgorithmRef::AlgorithmRef(const Hal& hal, const Algorithm& row) : hal_(&hal), row_(&row) { hold(row); }

AlgorithmRef::~AlgorithmRef() {
  if (row_ != nullptr) release(*hal_, *row_);
}

AlgorithmRegistry* AlgorithmRegistry::find(Stack& stack) {
  return static_cast<AlgorithmRegistry*>(CompatState::of(stack).algorithm_registry);
}

AlgorithmRegistry::~AlgorithmRegistry() {
  while (ListedAlgorithm* listed = entries_.take_front()) drop_algorithm(hal_, *listed);
}

bool AlgorithmRegistry::has_driver(NameView driver) {
  for (ListedAlgorithm& listed : entries_) {
    if (driver == listed.driver) return true;
  }
  return false;
}

Result<> AlgorithmRegistry::add_one(const Algorithm& row) {
  if (!is_within_bounds(row)) return Errno::EINVAL;
  if (has_driver(NameView::of(row.driver))) return Errno::EEXIST;
  ListedAlgorithm* listed = construct<ListedAlgorithm>(hal_);
  if (listed == nullptr) return Errno::ENOMEM;
  static_cast<Algorithm&>(*listed) = row;
  entries_.push_front(*listed);
  return ok();
}

Result<> AlgorithmRegistry::add(std::span<const Algorithm* const> rows) {
  for (const Algorithm* row : rows) TRY(add_one(*row));
  return ok();
}

Result<AlgorithmRef> AlgorithmRegistry::get(Entry& entry, NameView name, AlgorithmKind kind) {
  TaskMutexLock lock(mutex_, entry);
  return AlgorithmRef(hal_, *TRY(get_locked(name, AlgorithmFilter::of(kind), 0)));
}

// A template made something else: asked once more, it finds that this is there already.
Result<const Algorithm*> AlgorithmRegistry::get_locked(NameView name, AlgorithmFilter filter, int depth) {
  auto there = get_once_locked(name, filter, depth);
  return there.is_error(Errno::EAGAIN) ? get_once_locked(name, filter, depth) : std::move(there);
}

Result<const Algorithm*> AlgorithmRegistry::get_once_locked(NameView name, AlgorithmFilter filter, int depth) {
  auto there = find_locked(name, filter);
  if (!there.is_error(Errno::ENOENT) || depth == kMaxDepth) return there;
  const auto made = instantiate_locked(name, filter, depth);
  if (!made.is_ok() && !made.is_error(Errno::EEXIST)) return made.error();
  auto found = find_locked(name, filter);
  if (!found.is_error(Errno::ENOENT)) return found;
  return made.is_ok() ? Errno::EAGAIN : Errno::EEXIST;
}

// Tries the candidates from the best on until one has given the known answers.
Result<const Algorithm*> AlgorithmRegistry::find_locked(NameView name, AlgorithmFilter filter) {
  for (bool has_failed = false;;) {
    ListedAlgorithm* best = nullptr;
    for (ListedAlgorithm& listed : entries_) {
      if (!filter.accepts(listed.flags())) continue;
      const bool is_driver = name == listed.driver;
      if (!is_driver && !(name == listed.name)) continue;
      if (listed.self_test == SelfTest::Failed) {
        has_failed = true;
        continue;
      }
      if (is_driver) {
        best = &listed;
        break;
      }
      if (best == nullptr || listed.priority > best->priority) best = &listed;
    }
    if (best == nullptr) return has_failed ? Errno::ELIBBAD : Errno::ENOENT;
    if (best->self_test == SelfTest::Untried) best->self_test = TRY(run_self_test(hal_, *best));
    if (best->self_test != SelfTest::Failed) return static_cast<const Algorithm*>(best);
    hal_.log(LXNET_LOG_ERROR, "an implementation of an algorithm fails its known answers and is not used");
  }
}

Result<> AlgorithmRegistry::create_checked(const AlgorithmTemplate& row, TemplateBuilder& builder, AlgorithmInstance& instance) {
  TRY(row.create(builder));
  if (!is_within_bounds(instance.listed)) return Errno::EINVAL;
  return has_driver(NameView::of(instance.driver)) ? Result<>(Errno::EEXIST) : Result<>(ok());
}

// Arguments that a template does not ask for are not looked at.
Result<> AlgorithmRegistry::instantiate_locked(NameView name, AlgorithmFilter filter, int depth) {
  const TemplateName parsed = TRY(TemplateName::parse(name));
  for (const AlgorithmTemplate* row : algorithm_templates()) {
    if (!(parsed.name == row->name)) continue;
    const AlgorithmFilter made = AlgorithmFilter::of(row->kind);
    if (!AlgorithmFilter{filter.type, filter.mask & ~kFlagTested}.accepts(made.type)) return Errno::EINVAL;
    AlgorithmInstance* instance = construct<AlgorithmInstance>(hal_);
    if (instance == nullptr) return Errno::ENOMEM;
    instance->listed.kind = row->kind;
    instance->listed.name = instance->name;
    instance->listed.driver = instance->driver;
    instance->listed.is_instance = true;
    TemplateBuilder builder(*this, parsed, *instance, depth + 1);
    const auto created = create_checked(*row, builder, *instance);
    if (!created.is_ok()) {
      dispose(hal_, instance);
      return created.error();
    }
    entries_.push_front(instance->listed);
    return ok();
  }
  return Errno::ENOENT;
}

void AlgorithmRegistry::visit_all(Entry& entry, Visit visit, void* context) {
  TaskMutexLock lock(mutex_, entry);
  for (ListedAlgorithm& listed : entries_) visit(context, listed);
}

Result<NameView> TemplateBuilder::argument(size_t index) const {
  return index < TemplateName::kMaxArguments && index < parsed_.argument_count ? Result<NameView>(parsed_.arguments[index])
                                                                               : Result<NameView>(Errno::ENOENT);
}

Result<const Algorithm*> TemplateBuilder::find(NameView name, AlgorithmKind kind) NO_THREAD_SAFETY_ANALYSIS {
  return registry_.get_locked(name, AlgorithmFilter::of(kind), depth_);
}

Result<const Algorithm*> TemplateBuilder::find_applied(const char* prefix, NameView argument, AlgorithmKind kind) {
  char text[kAlgorithmNameSize];
  TRY(NameWriter(text).add(prefix).add("(").add(argument).add(")").finish());
  return find(NameView::of(text), kind);
}

Result<> TemplateBuilder::name_after(const Algorithm& part) {
  row().parts[0] = &part;
  row().priority = part.priority;
  TRY(name().add(template_name()).add("(").add(part.name).add(")").finish());
  return driver().add(template_name()).add("(").add(part.driver).add(")").finish();
}

}  // namespace lxnet
