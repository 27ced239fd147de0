// OptionSet<T>: the options of one socket, a T, of which most sockets set none.
//
// Rule kept: nobody writes what is shared. A socket begins with its kind's defaults, and a connection that was accepted with a
// copy of its listener's options that it shares with the others accepted under the same ones. The first change gives the socket
// a record of its own, written in place from then on. Who reads needs no lock: what a reader may have found stays as long as the
// socket.
#pragma once

#include <type_traits>

#include "hal/memory.hh"

namespace lxnet {

template <typename T>
class OptionSet;

// Values, and whose they are. A constant of this type is a kind's defaults.
template <typename T>
class OptionRecord {
 public:
  constexpr explicit OptionRecord(const T& initial) : OptionRecord(initial, Kind::Defaults) {}

 protected:
  enum class Kind : uint8_t { Defaults, Shared, Own };
  constexpr OptionRecord(const T& initial, Kind kind) : values_(initial), kind_(kind) {}

 private:
  friend class OptionSet<T>;
  T values_;
  const Kind kind_;
};

template <typename T>
class OptionSet {
 public:
  using Record = OptionRecord<T>;

  explicit OptionSet(const Record& defaults) : record_(&defaults) {}
  ~OptionSet() { leave(); }
  OptionSet(const OptionSet&) = delete;
  OptionSet& operator=(const OptionSet&) = delete;

  const T* operator->() const { return &find()->values_; }
  const T& operator*() const { return find()->values_; }
  template <typename V>
  const V& operator->*(V T::*member) const {
    return find()->values_.*member;
  }

  // To be written by who may set options. ENOMEM: nothing has changed.
  Result<T*> change(const Hal& hal) {
    const Record* present = find();
    if (present->kind_ == Kind::Own) return values_of(present);
    Own* made = construct<Own>(hal, hal, present->values_);
    if (made == nullptr) return Errno::ENOMEM;
    // Two tasks may come to make it: the first one's stays.
    const Record* record = made;
    if (!__atomic_compare_exchange_n(&record_, &present, record, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
      dispose(hal, made);
      return values_of(present);
    }
    if (present->kind_ == Kind::Shared) made->inherited = Ref<Shared>::adopt(shared_of(present));
    return values_of(made);
  }
  // Null: nothing was set on this very socket.
  T* own() {
    const Record* present = find();
    return present->kind_ == Kind::Own ? values_of(present) : nullptr;
  }
  // Sets one of them. What it is already costs nothing.
  template <typename V>
  Result<> set(const Hal& hal, V T::*member, std::type_identity_t<V> value) {
    if (!(find()->values_.*member == value)) TRY(change(hal))->*member = value;
    return ok();
  }

  // Of a socket that nobody knows yet: other defaults.
  void begin_with(const Record& defaults) {
    leave();
    record_ = &defaults;
  }
  // Of a socket that nobody knows yet: those of its listener, whose lock is held. ENOMEM.
  Result<> inherit(const Hal& hal, const OptionSet& listener) {
    const Record* from = listener.find();
    if (from->kind_ == Kind::Own) from = TRY(own_of(from).copy_for_others(hal));
    if (from->kind_ == Kind::Shared) shared_of(from)->ref();
    begin_with(*from);
    return ok();
  }
  bool shares_with(const OptionSet& other) const { return find() == other.find(); }

 private:
  using Kind = typename Record::Kind;

  struct Shared : Record, RefCounted<Shared> {
    Shared(const Hal& hal_in, const T& values) : Record(values, Kind::Shared), hal(hal_in) {}
    static void destroy(Shared* shared) { dispose(shared->hal, shared); }
    const Hal& hal;
  };
  struct Own : Record {
    Own(const Hal& hal_in, const T& values) : Record(values, Kind::Own), hal(hal_in) {}
    // The one made before serves as long as it says the same: whoever changes an option need not think of it.
    Result<const Record*> copy_for_others(const Hal& memory) {
      const T values = handed_down(this->values_);
      if (!copy || !(copy->values_ == values)) copy = TRY(make_ref<Shared>(memory, memory, values));
      return copy.get();
    }
    const Hal& hal;
    Ref<Shared> inherited;  // read before, by some who may be reading it yet
    Ref<Shared> copy;       // for those who are accepted
  };

  // What an accepted connection has of its listener's options: T::handed_down(), if not all.
  static T handed_down(const T& values) {
    if constexpr (requires { values.handed_down(); }) {
      return values.handed_down();
    } else {
      return values;
    }
  }
  const Record* find() const { return __atomic_load_n(&record_, __ATOMIC_ACQUIRE); }
  static Own& own_of(const Record* record) { return const_cast<Own&>(static_cast<const Own&>(*record)); }
  static Shared* shared_of(const Record* record) { return const_cast<Shared*>(static_cast<const Shared*>(record)); }
  static T* values_of(const Record* record) { return &own_of(record).values_; }
  void leave() {
    const Record* last = find();
    if (last->kind_ == Kind::Own) {
      dispose(own_of(last).hal, &own_of(last));
    } else if (last->kind_ == Kind::Shared) {
      static_cast<void>(Ref<Shared>::adopt(shared_of(last)));
    }
  }

  const Record* record_;  // atomic
};

}  // namespace lxnet
