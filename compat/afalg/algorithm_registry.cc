// Names are resolved as crypto/api.c and crypto/algboss.c do: what is there by its driver name or, by priority, by its name; else
// a template is applied, and then what it made must answer to the name that was asked for.
#include "compat/afalg/algorithm_registry.hh"

#include "compat/afalg/algorithm_template.hh"
#include "compat/afalg/self_test.hh"
#include "compat/syscalls/compat_state.hh"

namespace lxnet {
namespace {

bool is_within_bounds(const Algorithm& row) {
  return NameView::of(row.name).size < kAlgorithmNameSize && NameView::of(row.driver).size < kAlgorithmNameSize &&
         (row.kind != AlgorithmKind::Hash || (row.digest_size <= kMaxDigestSize && row.state_size <= kMaxHashStateSize)) &&
         row.iv_size <= kMaxIvSize && row.block_size <= kMaxBlockSize && row.block_size != 0;
}

}  // namespace

AlgorithmRegistry* AlgorithmRegistry::find(Stack& stack) {
  return static_cast<AlgorithmRegistry*>(CompatState::of(stack).algorithm_registry);
}

AlgorithmRegistry::~AlgorithmRegistry() {
  while (Listed* listed = entries_.take_front()) {
    if (listed->is_instance) {
      dispose(hal_, reinterpret_cast<AlgorithmInstance*>(listed));
    } else {
      dispose(hal_, listed);
    }
  }
}

bool AlgorithmRegistry::has_driver(NameView driver) {
  for (Listed& listed : entries_) {
    if (driver == listed.row->driver) return true;
  }
  return false;
}

Result<> AlgorithmRegistry::add_one(const Algorithm& row) {
  if (!is_within_bounds(row)) return Errno::EINVAL;
  if (has_driver(NameView::of(row.driver))) return Errno::EEXIST;
  Listed* listed = construct<Listed>(hal_);
  if (listed == nullptr) return Errno::ENOMEM;
  listed->row = &row;
  entries_.push_front(*listed);
  return ok();
}

Result<> AlgorithmRegistry::add(std::span<const Algorithm* const> rows) {
  for (const Algorithm* row : rows) TRY(add_one(*row));
  return ok();
}

Result<const Algorithm*> AlgorithmRegistry::get(Entry& entry, NameView name, AlgorithmKind kind) {
  TaskMutexLock lock(mutex_, entry);
  return get_locked(name, kind, 0);
}

Result<const Algorithm*> AlgorithmRegistry::get_locked(NameView name, AlgorithmKind kind, int depth) {
  auto there = find_locked(name, kind);
  if (!there.is_error(Errno::ENOENT) || depth == kMaxDepth) return there;
  auto made = instantiate_locked(name, kind, depth);
  // Linux loses why a template refused.
  if (!made.is_ok()) return made.is_error(Errno::ENOMEM) ? Errno::ENOMEM : Errno::ENOENT;
  return find_locked(name, kind);
}

// Tries the candidates from the best on until one has given the known answers.
Result<const Algorithm*> AlgorithmRegistry::find_locked(NameView name, AlgorithmKind kind) {
  for (bool has_failed = false;;) {
    Listed* best = nullptr;
    for (Listed& listed : entries_) {
      if (listed.row->kind != kind) continue;
      const bool is_driver = name == listed.row->driver;
      if (!is_driver && !(name == listed.row->name)) continue;
      if (listed.self_test == SelfTest::Failed) {
        has_failed = true;
        continue;
      }
      if (is_driver) {
        best = &listed;
        break;
      }
      if (best == nullptr || listed.row->priority > best->row->priority) best = &listed;
    }
    if (best == nullptr) return has_failed ? Errno::ELIBBAD : Errno::ENOENT;
    if (best->self_test == SelfTest::Untried) best->self_test = TRY(run_self_test(hal_, *best->row));
    if (best->self_test != SelfTest::Failed) return best->row;
    hal_.log(LXNET_LOG_ERROR, "an implementation of an algorithm fails its known answers and is not used");
  }
}

Result<> AlgorithmRegistry::create_checked(const AlgorithmTemplate& row, TemplateBuilder& builder, AlgorithmInstance& instance) {
  TRY(row.create(builder));
  if (!is_within_bounds(instance.row)) return Errno::EINVAL;
  return has_driver(NameView::of(instance.driver)) ? Result<>(Errno::EEXIST) : Result<>(ok());
}

Result<> AlgorithmRegistry::instantiate_locked(NameView name, AlgorithmKind kind, int depth) {
  const TemplateName parsed = TRY(TemplateName::parse(name));
  for (const AlgorithmTemplate* row : algorithm_templates()) {
    if (!(parsed.name == row->name) || row->kind != kind) continue;
    if (parsed.argument_count != row->arguments) return Errno::EINVAL;
    AlgorithmInstance* instance = construct<AlgorithmInstance>(hal_);
    if (instance == nullptr) return Errno::ENOMEM;
    instance->row.kind = kind;
    instance->row.name = instance->name;
    instance->row.driver = instance->driver;
    instance->listed.row = &instance->row;
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
  for (Listed& listed : entries_) visit(context, *listed.row, listed.self_test);
}

Result<const Algorithm*> TemplateBuilder::find(NameView name, AlgorithmKind kind) NO_THREAD_SAFETY_ANALYSIS {
  return registry_.get_locked(name, kind, depth_);
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
