// lxnet_trace_enable(): each call's line goes to the host when the call has ended.
#include "compat/syscalls/call_tracer.hh"
#include "compat/syscalls/compat_state.hh"
#include "compat/trace/call_printer.hh"
#include "hal/memory.hh"

namespace lxnet {
namespace {

struct LineTracer : CallTracer {
  explicit LineTracer(const lxnet_trace& settings) : CallTracer{&run_and_print, &dispose_tracer}, trace(settings) {}
  static Result<int64_t> run_and_print(CallTracer& tracer, SyscallContext& context, const SyscallRow& row,
                                       const uint64_t* arguments);
  static void dispose_tracer(const Hal& hal, CallTracer* tracer) { dispose(hal, static_cast<LineTracer*>(tracer)); }
  lxnet_trace trace;
};

Result<int64_t> LineTracer::run_and_print(CallTracer& tracer, SyscallContext& context, const SyscallRow& row,
                                          const uint64_t* arguments) {
  const lxnet_trace& trace = static_cast<LineTracer&>(tracer).trace;
  CallPrinter printer(context, row.name, row.arity, arguments, trace.string_limit);
  printer.before();
  Result<int64_t> result = row.handler(context, arguments);
  const int64_t value = result.is_ok() ? result.take() : -static_cast<int64_t>(result.error());
  printer.after(value, trace.column);
  trace.line(trace.ctx, printer.text().data, printer.text().size);
  if (value < 0 && value >= -4095) return static_cast<Errno>(-value);
  return value;
}

}  // namespace
}  // namespace lxnet

extern "C" int lxnet_trace_enable(lxnet_stack* c_stack, const lxnet_trace* settings) {
  using namespace lxnet;
  if (settings == nullptr || settings->struct_size < sizeof(lxnet_trace) || settings->line == nullptr) {
    return -static_cast<int>(Errno::EINVAL);
  }
  Stack& stack = *reinterpret_cast<Stack*>(c_stack);
  CompatState& state = CompatState::of(stack);
  if (state.call_tracer != nullptr) return -static_cast<int>(Errno::EEXIST);
  LineTracer* tracer = construct<LineTracer>(stack.hal(), *settings);
  if (tracer == nullptr) return -static_cast<int>(Errno::ENOMEM);
  state.call_tracer = tracer;
  return 0;
}
