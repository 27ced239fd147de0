// UnixAddress: a socket's name. UnixDomain: who has which name in a stack, and what all its AF_UNIX sockets share.
//
// A name is a path (found by the node it names, so that it survives rename and dies with unlink as on Linux), or abstract: any
// bytes after a leading zero, found by those bytes and the socket's type.
#pragma once

#include "base/siphash.hh"
#include "compat/syscalls/sockaddr.hh"
#include "compat/syscalls/task_mutex.hh"
#include "hal/hash_table.hh"

namespace lxnet {

class UnixEndpoint;
class UnixSocket;
struct UnixMessage;

inline constexpr size_t kUnixPathAt = 2;  // offsetof(sockaddr_un, sun_path)
inline constexpr size_t kUnixPathSize = 108;

class UnixAddress : public RefCounted<UnixAddress> {
 public:
  // `bytes`: the whole sockaddr_un, cut to what counts. ENOMEM.
  static Result<Ref<UnixAddress>> create(const Hal& hal, ByteSpan bytes);
  static void destroy(UnixAddress* address) { dispose(address->hal_, address); }

  ByteSpan bytes() const { return ByteSpan(bytes_, size_); }
  bool is_abstract() const { return bytes_[kUnixPathAt] == 0; }
  SockAddr to_sockaddr() const;

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  UnixAddress(const Hal& hal, ByteSpan bytes);
  ~UnixAddress() = default;

  const Hal& hal_;
  uint32_t size_ = 0;
  uint8_t bytes_[kUnixPathAt + kUnixPathSize + 1] = {};
};

// EINVAL: too short, too long, another family.
Result<> check_unix_address(const SockAddr& address);
// What a path is as a name: up to its first zero, which counts.
ByteSpan unix_path_name(const SockAddr& address);

class UnixDomain {
 public:
  struct NameLink {
    HashLink link;
    UnixEndpoint* socket = nullptr;
    uint64_t node[2] = {};
    bool is_path = false;
  };

  explicit UnixDomain(Stack& stack);
  static UnixDomain& of(Stack& stack);

  // Under mutex: abstract names by bytes and type, paths by node.
  UnixEndpoint* find_abstract(ByteSpan name, int type) REQUIRES(mutex);
  UnixEndpoint* find_node(const uint64_t (&node)[2]) REQUIRES(mutex);
  // ENOMEM.
  Result<> add_abstract(UnixEndpoint& socket, ByteSpan name) REQUIRES(mutex);
  Result<> add_node(UnixEndpoint& socket, const uint64_t (&node)[2]) REQUIRES(mutex);
  void remove(UnixEndpoint& socket) REQUIRES(mutex);

  // Frees a message and, one after the other and not one inside the other, all that its descriptors held the last count of.
  void bury(UnixMessage* message);

  // A socket's file while unread messages hold it.
  struct Flight {
    ListLink link;
    UnixSocket* socket = nullptr;
    size_t count = 0;  // in how many messages it is
    size_t found = 0;  // of those, how many in the inboxes of candidates: a collection's working number
    bool is_candidate = false, is_reachable = false;
  };
  void took_off(Flight& flight);
  void landed(Flight& flight);

  // Who is connected to whom, who listens, who has which name: everything but the flow of data.
  Mutex mutex;
  // One collection of unreachable sockets at a time.
  TaskMutex collection;
  size_t in_flight = 0;  // descriptors of AF_UNIX sockets in unread messages; written under mutex, read relaxed

 private:
  friend class UnixCollection;
  uint64_t hash_abstract(ByteSpan name, int type) const;
  uint64_t hash_node(const uint64_t (&node)[2]) const;

  SipKey key_;
  HashTable<NameLink, &NameLink::link> names_ GUARDED_BY(mutex);
  List<Flight, &Flight::link> flights_ GUARDED_BY(mutex);
  UnixMessage* doomed_ GUARDED_BY(mutex) = nullptr;  // linked by next_doomed
  bool is_burying_ GUARDED_BY(mutex) = false;
};

}  // namespace lxnet
