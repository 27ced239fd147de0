#include "stack/tcp/fast_open/cache.hh"

#include <new>

namespace lxnet {

FastOpenCache::~FastOpenCache() {
  if (places_ != nullptr) hal_.free(places_, kPlaces * sizeof(Place));
}

size_t FastOpenCache::place_of(const SipKey& key, const IpAddress& local, const IpAddress& remote) {
  struct Pair {
    IpAddress local, remote;
  };
  return siphash_1_3(key, bytes_of(Pair{local, remote})) % kPlaces;
}

FastOpenCache::Known FastOpenCache::find(const SipKey& key, const IpAddress& local, const IpAddress& remote) const {
  if (places_ == nullptr) return {};
  const Place& place = places_[place_of(key, local, remote)];
  if (!place.is_used || place.local != local || place.remote != remote) return {};
  Known known = place.known;
  if (known.cookie.size == 0 && place.experiment == Experiment::Try) known.cookie.form = TcpFastOpenCookie::Form::Experimental;
  return known;
}

void FastOpenCache::learn(const SipKey& key, const IpAddress& local, const IpAddress& remote, const News& news) {
  if (places_ == nullptr) {
    places_ = static_cast<Place*>(hal_.alloc(kPlaces * sizeof(Place), alignof(Place)));
    if (places_ == nullptr) return;
    for (size_t i = 0; i < kPlaces; ++i) new (&places_[i]) Place();
  }
  Place& place = places_[place_of(key, local, remote)];
  if (!place.is_used || place.local != local || place.remote != remote) {
    place = Place();
    place.is_used = true;
    place.local = local;
    place.remote = remote;
  }
  if (news.mss != 0) place.known.mss = news.mss;
  if (news.cookie != nullptr && news.cookie->size != 0) {
    place.known.cookie = *news.cookie;
  } else if (news.experiment > place.experiment && place.known.cookie.size == 0 &&
             place.known.cookie.form == TcpFastOpenCookie::Form::Assigned) {
    place.experiment = news.experiment;
  }
  if (!news.lost_syn) {
    place.lost_syns = 0;
  } else if (place.lost_syns < UINT8_MAX) {
    ++place.lost_syns;
  }
}

void FastOpenCache::clear() {
  if (places_ == nullptr) return;
  for (size_t i = 0; i < kPlaces; ++i) places_[i] = Place();
}

}  // namespace lxnet
