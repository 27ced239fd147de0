// Routing rules: net/core/fib_rules.c.
#include "compat/afnetlink/netlink_domain.hh"
#include "compat/afnetlink/route_family.hh"
#include "compat/afnetlink/route_messages.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

template <typename T>
struct Range {
  T low = 0, high = 0;
};

Result<> put_interface(SyscallContext& context, NetlinkWriter& writer, uint16_t type, uint32_t index) {
  if (index == 0) return ok();
  const Ref<Interface> interface = context.stack().interfaces().find(index);
  if (interface == nullptr) return ok();
  size_t size = 0;
  while (interface->name()[size] != 0) ++size;
  return writer.attribute(type, ByteSpan(reinterpret_cast<const uint8_t*>(interface->name()), size + 1));
}

// The index of the interface that an attribute names. ENODEV: a rule for one to come is not served.
Result<uint32_t> read_interface(SyscallContext& context, const NetlinkAttributes& attributes, uint16_t type) {
  const auto value = attributes.find(type);
  if (!value) return uint32_t{0};
  char name[Interface::kNameSize] = {};
  memcpy(name, value->data(), value->size() < sizeof name - 1 ? value->size() : sizeof name - 1);
  const Ref<Interface> interface = context.stack().interfaces().find(name);
  if (interface == nullptr) return Errno::ENODEV;
  return interface->index();
}

Result<> write_rule(SyscallContext& context, NetlinkWriter& writer, const RoutingRule& rule, uint16_t type, uint16_t flags) {
  const RuleMessage message{.family = number_of(rule.family),
                            .destination_length = rule.destination.length,
                            .source_length = rule.source.length,
                            .tos = rule.tos,
                            .table = rule.table < 256 ? static_cast<uint8_t>(rule.table) : kTableElsewhere,
                            .reserved1 = 0,
                            .reserved2 = 0,
                            .action = static_cast<uint8_t>(rule.action),
                            .flags = rule.is_inverted ? kRuleIsInverted : 0u};
  TRY(writer.begin(type, flags, bytes_of(message)));
  TRY(writer.attribute(kRuleTable, rule.table));
  TRY(writer.attribute(kRuleSuppressPrefix, static_cast<int32_t>(rule.suppress_prefix_length)));
  TRY(writer.attribute(kRuleOrigin, rule.origin));
  TRY(put_interface(context, writer, kRuleInput, rule.input_interface));
  TRY(put_interface(context, writer, kRuleOutput, rule.output_interface));
  if (rule.priority != 0) TRY(writer.attribute(kRulePriority, rule.priority));
  if (rule.mark != 0) TRY(writer.attribute(kRuleMark, rule.mark));
  if (rule.mark != 0 || rule.mark_mask != 0) TRY(writer.attribute(kRuleMarkMask, rule.mark_mask));
  if (rule.has_uid_range) TRY(writer.attribute(kRuleUsers, Range<uint32_t>{rule.uid_low, rule.uid_high}));
  if (rule.protocol != 0) TRY(writer.attribute(kRuleProtocol, rule.protocol));
  if (rule.source_port_high != 0) {
    TRY(writer.attribute(kRuleSourcePorts, Range<uint16_t>{rule.source_port_low, rule.source_port_high}));
  }
  if (rule.destination_port_high != 0) {
    TRY(writer.attribute(kRuleDestinationPorts, Range<uint16_t>{rule.destination_port_low, rule.destination_port_high}));
  }
  if (rule.destination.length != 0) TRY(put_address(writer, kRuleDestination, rule.destination.address));
  if (rule.source.length != 0) TRY(put_address(writer, kRuleSource, rule.source.address));
  return writer.end();
}

// notify_rule_change(). Without memory the members miss it.
void tell_of_rule(SyscallContext& context, const NetlinkRequest& request, const RoutingRule& rule, uint16_t type) {
  NetlinkDomain& domain = NetlinkDomain::of(context.stack());
  const uint32_t group = rule.family == IpFamily::V4 ? kGroupIpv4Rule : kGroupIpv6Rule;
  if (!domain.has_members(kNetlinkRoute, group)) return;
  GroupOutput output(domain, group);
  NetlinkWriter writer(context.hal(), output, request);
  if (write_rule(context, writer, rule, type, 0).is_ok()) static_cast<void>(writer.flush());
}

Result<RoutingRule> read_rule(SyscallContext& context, const NetlinkRequest& request) {
  const auto asked = TRY(read_message<RuleMessage>(request));
  const auto attributes = attributes_behind<RuleMessage>(request);
  if (!ip_family_of(asked.family).is_ok()) return Errno::EAFNOSUPPORT;
  RoutingRule rule;
  rule.family = asked.family == number_of(IpFamily::V4) ? IpFamily::V4 : IpFamily::V6;
  const uint8_t most = rule.family == IpFamily::V4 ? 32 : 128;
  const auto source = TRY(read_address(attributes, kRuleSource, rule.family));
  const auto destination = TRY(read_address(attributes, kRuleDestination, rule.family));
  if (asked.source_length != 0 && (asked.source_length > most || !source)) return Errno::EINVAL;
  if (asked.destination_length != 0 && (asked.destination_length > most || !destination)) return Errno::EINVAL;
  rule.source = {source.value_or(IpAddress::any(rule.family)), asked.source_length};
  rule.destination = {destination.value_or(IpAddress::any(rule.family)), asked.destination_length};
  rule.tos = asked.tos;
  rule.action = static_cast<RuleAction>(asked.action);
  rule.is_inverted = (asked.flags & kRuleIsInverted) != 0;
  rule.table = asked.table;
  TRY(attributes.read(kRuleTable, rule.table));
  TRY(attributes.read(kRulePriority, rule.priority));
  if (TRY(attributes.read(kRuleMark, rule.mark))) rule.mark_mask = ~0u;
  TRY(attributes.read(kRuleMarkMask, rule.mark_mask));
  TRY(attributes.read(kRuleProtocol, rule.protocol));
  TRY(attributes.read(kRuleOrigin, rule.origin));
  int32_t suppressed = -1;
  TRY(attributes.read(kRuleSuppressPrefix, suppressed));
  rule.suppress_prefix_length = static_cast<int16_t>(suppressed);
  Range<uint32_t> users;
  rule.has_uid_range = TRY(attributes.read(kRuleUsers, users));
  if (rule.has_uid_range) {
    if (users.low > users.high) return Errno::EINVAL;
    rule.uid_low = users.low;
    rule.uid_high = users.high;
  }
  Range<uint16_t> ports;
  if (TRY(attributes.read(kRuleSourcePorts, ports))) {
    rule.source_port_low = ports.low;
    rule.source_port_high = ports.high;
  }
  if (TRY(attributes.read(kRuleDestinationPorts, ports))) {
    rule.destination_port_low = ports.low;
    rule.destination_port_high = ports.high;
  }
  rule.input_interface = TRY(read_interface(context, attributes, kRuleInput));
  rule.output_interface = TRY(read_interface(context, attributes, kRuleOutput));
  return rule;
}

// Before the first of the others, but behind the local table's (fib_default_rule_pref()).
uint32_t default_priority(RouteTable& routes, IpFamily family) {
  uint32_t second = 0, position = 0;
  routes.for_each_rule(family, [&](const RoutingRule& rule) {
    if (position++ == 1) second = rule.priority;
  });
  return second > 0 ? second - 1 : 0;
}

}  // namespace

Result<> dump_rules(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer) {
  RouteTable& routes = context.stack().routes();
  const uint8_t family = family_of(request);
  for (const IpFamily version : {IpFamily::V4, IpFamily::V6}) {
    if (family != number_of(version) && ip_family_of(family).is_ok()) continue;
    size_t count = 0;
    const auto copies =
        TRY(collect<RoutingRule>(context.hal(), count, [&](auto&& visit) { routes.for_each_rule(version, visit); }));
    for (size_t i = 0; i < count; ++i) TRY(write_rule(context, writer, copies[i], kNewRule, kNetlinkMulti));
  }
  return ok();
}

Result<> new_rule(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter&) {
  constexpr uint8_t kCongestionBits = 3;
  RoutingRule rule = TRY(read_rule(context, request));
  if ((rule.tos & kCongestionBits) != 0) return Errno::EINVAL;
  RouteTable& routes = context.stack().routes();
  if (!attributes_behind<RuleMessage>(request).find(kRulePriority)) rule.priority = default_priority(routes, rule.family);
  TRY(routes.add_rule(context.entry(), rule));
  tell_of_rule(context, request, rule, kNewRule);
  return ok();
}

// The first that agrees in what is given.
Result<> delete_rule(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter&) {
  const RoutingRule asked = TRY(read_rule(context, request));
  const auto attributes = attributes_behind<RuleMessage>(request);
  RouteTable& routes = context.stack().routes();
  RoutingRule found;
  bool is_found = false;
  routes.for_each_rule(asked.family, [&](const RoutingRule& rule) {
    if (is_found) return;
    RoutingRule wanted = rule;
    if (static_cast<uint8_t>(asked.action) != 0) wanted.action = asked.action;
    if (asked.table != 0) wanted.table = asked.table;
    if (attributes.find(kRulePriority)) wanted.priority = asked.priority;
    if (attributes.find(kRuleMark)) wanted.mark = asked.mark;
    if (attributes.find(kRuleMark) || attributes.find(kRuleMarkMask)) wanted.mark_mask = asked.mark_mask;
    if (attributes.find(kRuleSuppressPrefix)) wanted.suppress_prefix_length = asked.suppress_prefix_length;
    if (asked.origin != 0) wanted.origin = asked.origin;
    if (asked.protocol != 0) wanted.protocol = asked.protocol;
    if (asked.input_interface != 0) wanted.input_interface = asked.input_interface;
    if (asked.output_interface != 0) wanted.output_interface = asked.output_interface;
    if (asked.source.length != 0) wanted.source = asked.source;
    if (asked.destination.length != 0) wanted.destination = asked.destination;
    if (asked.tos != 0) wanted.tos = asked.tos;
    is_found = wanted == rule;
    if (is_found) found = rule;
  });
  if (!is_found) return Errno::ENOENT;
  TRY(routes.remove_rule(context.entry(), found));
  tell_of_rule(context, request, found, kDeleteRule);
  return ok();
}

}  // namespace lxnet
