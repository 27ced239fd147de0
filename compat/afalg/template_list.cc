#include "compat/afalg/template_list.hh"

namespace lxnet {
namespace {

constexpr const AlgorithmTemplate* kTemplates[] = {
    &kEcbTemplate,     &kCbcTemplate,     &kCtrTemplate,     &kCfbTemplate,        &kOfbTemplate,
    &kXtsTemplate,     &kCtsTemplate,     &kHmacTemplate,    &kCmacTemplate,       &kXcbcTemplate,
    &kCbcmacTemplate,  &kGcmTemplate,     &kGcmBaseTemplate, &kCcmTemplate,        &kCcmBaseTemplate,
    &kRfc4106Template, &kRfc4309Template, &kRfc7539Template, &kRfc7539EspTemplate, &kAuthencTemplate,
};

}  // namespace

std::span<const AlgorithmTemplate* const> algorithm_templates() { return kTemplates; }

}  // namespace lxnet
