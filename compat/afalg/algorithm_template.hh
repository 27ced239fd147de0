// Templates: what makes "hmac(sha256)" of hmac and sha256.
#pragma once

#include "compat/afalg/algorithm_registry.hh"

namespace lxnet {

// An algorithm that a template made, with its names.
struct AlgorithmInstance {
  ListedAlgorithm listed;  // first
  char name[kAlgorithmNameSize] = {};
  char driver[kAlgorithmNameSize] = {};
};

// What a template's create() has at hand.
class TemplateBuilder {
 public:
  TemplateBuilder(AlgorithmRegistry& registry, const TemplateName& parsed, AlgorithmInstance& instance, int depth)
      : registry_(registry), parsed_(parsed), instance_(instance), depth_(depth) {}

  Algorithm& row() { return instance_.listed; }
  NameView template_name() const { return parsed_.name; }
  // ENOENT where there is none.
  Result<NameView> argument(size_t index) const;
  // Another algorithm by its name: an argument, or what the template makes of one. ENOENT.
  Result<const Algorithm*> find(NameView name, AlgorithmKind kind);
  // "prefix(argument)" as a name.
  Result<const Algorithm*> find_applied(const char* prefix, NameView argument, AlgorithmKind kind);
  NameWriter name() { return NameWriter(instance_.name); }
  NameWriter driver() { return NameWriter(instance_.driver); }
  // The usual: "template(part)" and "template(part's driver)", the part's priority.
  Result<> name_after(const Algorithm& part);

 private:
  AlgorithmRegistry& registry_;
  const TemplateName& parsed_;
  AlgorithmInstance& instance_;
  int depth_;
};

struct AlgorithmTemplate {
  const char* name;
  AlgorithmKind kind;
  // Fills the row and the names. ENOENT, EINVAL, ELOOP: what it was applied to does not suit.
  Result<> (*create)(TemplateBuilder& builder);
};

std::span<const AlgorithmTemplate* const> algorithm_templates();

// Contexts that stand one after the other in a template's own.
constexpr size_t aligned_context(size_t size) { return (size + kAlgorithmAlign - 1) & ~(kAlgorithmAlign - 1); }
inline uint8_t* context_at(void* context, size_t offset) { return static_cast<uint8_t*>(context) + offset; }
inline const uint8_t* context_at(const void* context, size_t offset) { return static_cast<const uint8_t*>(context) + offset; }

}  // namespace lxnet
