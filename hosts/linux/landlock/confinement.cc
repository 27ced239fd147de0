#include "hosts/linux/landlock/confinement.hh"

#include <errno.h>
#include <linux/capability.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "hosts/linux/hal_table.hh"
#include "hosts/linux/landlock/abi.hh"
#include "hosts/linux/landlock/domain.hh"
#include "hosts/linux/landlock/thread_list.hh"
#include "hosts/linux/process_status.hh"
#include "hosts/linux/supervisor.hh"
#include "hosts/linux/user_memory.hh"

namespace lxnet::host::landlock {
namespace {

constexpr useconds_t kPauseMicros = 50;

// Linux's condition for restrict_self().
bool may_restrict(Task& task) {
  const std::optional<ProcessStatus> status = read_process_status_at(task.status_fd());
  return status && (status->has_no_new_privileges || (status->effective_capabilities >> CAP_SYS_ADMIN & 1) != 0);
}

}  // namespace

Confinement::Confinement(TaskTable& tasks)
    : eyes_{.look_at = look_at_call,
            .list_unknown = [&tasks] { return list_threads([&tasks](pid_t tid) { return tasks.is_known(tid); }); },
            .start_of = start_of_thread,
            .pause = [] { ::usleep(kPauseMicros); }},
      root_(Domain::of_this_thread()) {}

CreationLedger& Confinement::ledger_of(const Listener* listener) {
  return ledgers_.try_emplace(listener, eyes_, root_).first->second;
}

void Confinement::adopt(Task& task) { task.domain = ledger_of(task.listener).take_new(task.tid()); }

void Confinement::note_call(Task& task) {
  if (!std::exchange(task.is_creating, false)) return;
  ledger_of(task.listener).end(task.tid());
}

void Confinement::note_creation(const Call& call) {
  ledger_of(call.task->listener).begin(call.tid(), call.notice.data.nr, call.task->domain);
  call.task->is_creating = true;
}

std::optional<int> refuse_unknown(const RulesetAttributes& wish, bool has_more) {
  if (has_more) return -E2BIG;
  const bool is_known = (wish.files & ~kFileAccesses) == 0 && (wish.ports & ~kPortAccesses) == 0 && (wish.scopes & ~kScopes) == 0;
  return is_known ? std::nullopt : std::optional(-EINVAL);
}

std::optional<int64_t> Confinement::note_ruleset(const Call& call) const {
  constexpr size_t kPage = 4096;
  if (kernel_abi() <= kNewestAbi) return std::nullopt;
  const __u64* arguments = call.notice.data.args;
  const auto flags = static_cast<uint32_t>(arguments[2]);
  if (flags == kCreateVersion && arguments[0] == 0 && arguments[1] == 0) return kNewestAbi;
  if (flags != 0 && flags != kCreateErrata) return -EINVAL;
  if (flags != 0 || arguments[0] == 0 || arguments[1] > kPage) return std::nullopt;
  char bytes[kPage] = {};
  if (copy_from_task(call.tid(), bytes, arguments[0], arguments[1]) != 0) return std::nullopt;
  RulesetAttributes wish;
  std::memcpy(&wish, bytes, sizeof wish);
  const bool has_more = std::any_of(bytes + sizeof wish, bytes + sizeof bytes, [](char byte) { return byte != 0; });
  return refuse_unknown(wish, has_more);
}

std::optional<int64_t> Confinement::note_restriction(const Call& call) {
  const auto ruleset = static_cast<int>(call.notice.data.args[0]);
  const auto flags = static_cast<uint32_t>(call.notice.data.args[1]);
  Task& task = *call.task;
  // It will fail, or concerns no more than what is logged.
  if (kernel_abi() == 0 || !may_restrict(task) || ruleset < 0) return std::nullopt;
  if ((flags & ~kRestrictFlags) != 0) return -EINVAL;
  OwnedFd copy(task.copy_fd(ruleset));
  if (copy.get() == -EBADF) return std::nullopt;
  if (!copy.is_open()) {
    task.domain = Domain::create_sealed(task.domain);
    return std::nullopt;
  }
  int error = 0;
  std::shared_ptr<Domain> domain = Domain::create(task.domain, copy.get(), flags, &error);
  if (domain != nullptr) task.domain = std::move(domain);
  return error == -EAGAIN ? std::optional<int64_t>(-ENOMEM) : std::nullopt;
}

namespace {

using DomainRef = std::shared_ptr<Domain>;

Domain* current_domain(void* ctx) {
  Call* call = static_cast<Supervisor*>(ctx)->current_call();
  return call == nullptr ? nullptr : call->task->domain.get();
}

int hal_check_port(void* ctx, int use, uint16_t port) {
  Domain* domain = current_domain(ctx);
  return domain == nullptr ? LXNET_PORT_UNCONFINED : domain->check_port(use, port);
}

lxnet_confinement* hal_confinement(void* ctx) {
  if (current_domain(ctx) == nullptr) return nullptr;
  return reinterpret_cast<lxnet_confinement*>(new DomainRef(static_cast<Supervisor*>(ctx)->current_call()->task->domain));
}

void hal_confinement_unref(void*, lxnet_confinement* confinement) { delete reinterpret_cast<DomainRef*>(confinement); }

int hal_may_reach(void* ctx, const lxnet_confinement* maker) {
  Domain* domain = current_domain(ctx);
  if (domain == nullptr) return 1;
  return domain->may_reach(maker == nullptr ? nullptr : reinterpret_cast<const DomainRef*>(maker)->get()) ? 1 : 0;
}

}  // namespace

void add_confinement(lxnet_hal& hal) {
  hal.check_port = hal_check_port;
  hal.confinement = hal_confinement;
  hal.confinement_unref = hal_confinement_unref;
  hal.may_reach = hal_may_reach;
}

}  // namespace lxnet::host::landlock
