// TunFile: one opening of /dev/net/tun (drivers/net/tun.c). Until TUNSETIFF it is nothing; then it is the wire of an interface:
// each read() is a frame that the interface sent, each write() one that it receives.
//
// Not served, and refused as by a kernel without them: offloads of tunnels, classic and eBPF filters of the reader and eBPF's
// choice of a queue, TUNGETDEVNETNS.
#pragma once

#include "compat/syscalls/file.hh"
#include "compat/syscalls/io_segments.hh"
#include "compat/syscalls/task_mutex.hh"
#include "compat/tun/tun_device.hh"
#include "stack/interface.hh"

namespace lxnet {

class TunFile final : public File {
 public:
  // `flags`: O_*. ENOMEM.
  static Result<Ref<TunFile>> create(Stack& stack, uint32_t flags);

  Result<size_t> read(SyscallContext& context, IoSink& sink) override;
  Result<size_t> write(SyscallContext& context, IoSource& source) override;
  PollEvents poll(Entry& entry) override;
  WaitQueue& wait_queue() override { return queue_->waiters(); }
  Result<int64_t> ioctl(SyscallContext& context, uint32_t command, UserAddress argument) override;

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);

  // struct ifreq as far as it matters here: a name, and flags or an address.
  struct Request {
    char name[Interface::kNameSize];
    uint8_t value[24];
    uint16_t flags() const { return static_cast<uint16_t>(value[0] | value[1] << 8); }
    void set_flags(uint32_t flags) {
      value[0] = static_cast<uint8_t>(flags);
      value[1] = static_cast<uint8_t>(flags >> 8);
    }
  };

  TunFile(Stack& stack, Ref<TunQueue> queue);
  ~TunFile() override = default;
  void released(Entry& entry) override;
  void dispose_self() override { dispose(hal(), this); }

  // The device with an interface of its own; null before TUNSETIFF, and when it was removed.
  Ref<TunDevice> device() const;
  void set_device(const Ref<TunDevice>& device);
  static Ref<Interface> interface_of(TunDevice& device);
  bool may_write() const { return __atomic_load_n(&send_buffer_, __ATOMIC_RELAXED) > 3; }

  // tun_io.cc
  Result<size_t> give(SyscallContext& context, TunDevice& device, IoSink& sink);
  struct Before;  // what stands before a frame that is written
  Result<Before> take_before(TunDevice& device, IoSource& source);
  Result<> receive(SyscallContext& context, TunDevice& device, IoSource& source, const Before& before);
  // tun_ioctl.cc
  Result<int64_t> device_ioctl(SyscallContext& context, TunDevice& device, uint32_t command, UserAddress argument);
  Result<int64_t> header_ioctl(SyscallContext& context, TunDevice& device, uint32_t command, UserAddress argument);
  Result<int64_t> set_offload(TunDevice& device, uint64_t asked);
  Result<int64_t> set_link_type(SyscallContext& context, TunDevice& device, uint64_t type);
  Result<int64_t> set_send_buffer(SyscallContext& context, UserAddress argument);
  Result<int64_t> set_filter(SyscallContext& context, TunDevice& device, UserAddress argument);
  Result<int64_t> set_carrier(SyscallContext& context, TunDevice& device, UserAddress argument);
  Result<int64_t> hardware_address(SyscallContext& context, TunDevice& device, uint32_t command, Request& request,
                                   UserAddress argument);
  // tun_attach.cc
  Result<> set_interface(SyscallContext& context, Request& request);
  Result<Ref<TunDevice>> make_device(SyscallContext& context, Request& request, Ref<Interface>& interface);
  Result<Ref<TunDevice>> find_device(SyscallContext& context, Interface& interface, const Request& request);
  Result<> set_queue(SyscallContext& context, uint32_t flags);
  bool is_allowed(SyscallContext& context, const TunDevice& device);
  static void tell_changed(Entry& entry, TunDevice& device);
  static uint32_t flags_of(const TunDevice& device);

  const Ref<TunQueue> queue_;
  TaskMutex setup_;  // one ioctl at a time, Linux's rtnl
  mutable Mutex mutex_;
  Ref<TunDevice> device_ GUARDED_BY(mutex_);
  uint32_t wanted_index_ = 0;        // TUNSETIFINDEX
  int32_t send_buffer_ = INT32_MAX;  // of which nothing is ever used: what is written is received at once
};

}  // namespace lxnet
