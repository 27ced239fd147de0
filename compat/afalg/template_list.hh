// The templates, by file.
#pragma once

#include "compat/afalg/algorithm_template.hh"

namespace lxnet {

extern const AlgorithmTemplate kEcbTemplate, kCbcTemplate, kCtrTemplate, kCfbTemplate, kOfbTemplate;  // template_block_modes.cc
extern const AlgorithmTemplate kXtsTemplate, kCtsTemplate;                                            // template_xts.cc, _cts.cc
extern const AlgorithmTemplate kHmacTemplate;                                                         // template_hmac.cc
extern const AlgorithmTemplate kCmacTemplate, kXcbcTemplate, kCbcmacTemplate;                         // template_cmac.cc
extern const AlgorithmTemplate kGcmTemplate, kGcmBaseTemplate;                                        // template_gcm.cc
extern const AlgorithmTemplate kCcmTemplate, kCcmBaseTemplate;                                        // template_ccm.cc
extern const AlgorithmTemplate kRfc4106Template, kRfc4309Template;                                    // template_ipsec.cc
extern const AlgorithmTemplate kRfc7539Template, kRfc7539EspTemplate;                                 // template_chachapoly.cc
extern const AlgorithmTemplate kAuthencTemplate;                                                      // template_authenc.cc

}  // namespace lxnet
