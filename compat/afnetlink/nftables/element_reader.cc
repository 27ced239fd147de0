#include "compat/afnetlink/nftables/element_reader.hh"

namespace lxnet::nft {

const NlaPolicy kElementPolicy[kElementExpressions + 1] = {
    {},
    {NlaKind::Nested},
    {NlaKind::Nested},
    {NlaKind::U32},
    {NlaKind::U64},
    {NlaKind::U64},
    {NlaKind::Binary, kUserDataLength},
    {NlaKind::Nested},
    {},
    {NlaKind::Text, kNameLength},
    {NlaKind::Nested},
    {.kind = NlaKind::Array, .inside = kExpressionPolicy, .inside_last = kExpressionData},
};

Result<uint8_t> read_element_flags(const NftSet& set, Nla attribute) {
  if (!attribute) return uint8_t{0};
  const uint32_t flags = attribute.be32();
  constexpr uint32_t kBoth = kNftElementEnd | kNftElementCatchAll;
  if ((flags & ~kBoth) != 0) return Errno::EOPNOTSUPP;
  if ((set.flags & kNftSetInterval) == 0 && (flags & kNftElementEnd) != 0) return Errno::EINVAL;
  if (flags == kBoth) return Errno::EINVAL;
  return static_cast<uint8_t>(flags);
}

Result<> read_element_key(Context& context, const NftSet& set, NftData& key, Nla attribute) {
  TRY(read_data(&context, key, {.size = set.key_size}, attribute));
  return ok();
}

bool may_have_end(const NftSet& set, const NlaTable& attributes, uint8_t flags) {
  const bool has_end = static_cast<bool>(attributes[kElementKeyEnd]);
  constexpr uint32_t kRanges = kNftSetConcat | kNftSetInterval;
  if ((set.flags & kRanges) != kRanges) return !has_end;
  return (flags & kNftElementEnd) == 0 && !(has_end && (flags & kNftElementCatchAll) != 0);
}

namespace {

class ElementReader {
 public:
  ElementReader(Context& context, NftSet& set, const NlaTable& attributes)
      : context_(context), set_(set), attributes_(attributes) {}
  ~ElementReader() {
    for (size_t i = 0; i < expression_count_; ++i) free_expression(context_, expressions_[i]);
    if (holds_data_ && set_.has_verdicts()) release_verdict(data_.verdict);
    if (object_ != nullptr) --object_->use;
  }

  Result<NftElement*> read() {
    TRY(check_attributes());
    TRY(read_times());
    TRY(read_expressions());
    if (attributes_[kElementKey]) TRY(read_element_key(context_, set_, key_, attributes_[kElementKey]));
    if (attributes_[kElementKeyEnd]) TRY(read_element_key(context_, set_, end_, attributes_[kElementKeyEnd]));
    TRY(read_object());
    TRY(read_element_data());
    return make();
  }

 private:
  bool has(uint8_t attribute) const { return static_cast<bool>(attributes_[attribute]); }
  bool is_end() const { return (flags_ & kNftElementEnd) != 0; }

  Result<> check_attributes() {
    flags_ = TRY(read_element_flags(set_, attributes_[kElementFlags]));
    const bool is_catch_all = (flags_ & kNftElementCatchAll) != 0;
    if (is_catch_all == has(kElementKey)) return Errno::EINVAL;
    if (set_.is_map() ? !has(kElementData) && !is_end() : has(kElementData)) return Errno::EINVAL;
    const bool is_objects = (set_.flags & kNftSetObject) != 0;
    if (is_objects ? !has(kElementObject) && !is_end() : has(kElementObject)) return Errno::EINVAL;
    if (!may_have_end(set_, attributes_, flags_)) return Errno::EINVAL;
    if (!is_end()) return ok();
    for (const uint8_t other : {kElementData, kElementObject, kElementTimeout, kElementExpiration, kElementUserData,
                                kElementExpression, kElementKeyEnd, kElementExpressions}) {
      if (has(other)) return Errno::EINVAL;
    }
    return ok();
  }

  Result<> read_times() {
    const bool may = (set_.flags & kNftSetTimeout) != 0;
    if (has(kElementTimeout)) {
      if (!may) return Errno::EINVAL;
      timeout_ = TRY(read_millis(attributes_[kElementTimeout]));
    } else if (may && !is_end()) {
      timeout_ = set_.timeout_ms;
    }
    if (!has(kElementExpiration)) return ok();
    if (!may) return Errno::EINVAL;
    if (timeout_ == 0) return Errno::EOPNOTSUPP;
    expiration_ = TRY(read_millis(attributes_[kElementExpiration]));
    return expiration_ > timeout_ ? Result<>(Errno::ERANGE) : Result<>(ok());
  }

  Result<> add_expression(Nla nest) {
    expressions_[expression_count_] = TRY(make_stateful(context_, nest));
    const size_t at = expression_count_++;
    if (set_.expression_count != 0 && expressions_[at]->kind != set_.expressions[at]->kind) return Errno::EOPNOTSUPP;
    return ok();
  }

  Result<> read_expressions() {
    if (has(kElementExpression)) {
      if (set_.expression_count > 1) return Errno::EOPNOTSUPP;
      return add_expression(attributes_[kElementExpression]);
    }
    if (has(kElementExpressions)) {
      for (const Nla entry : NlaRange(attributes_[kElementExpressions])) {
        const bool is_full = expression_count_ == NftSet::kExpressions ||
                             (set_.expression_count != 0 && set_.expression_count == expression_count_);
        if (is_full) return Errno::E2BIG;
        if (entry.type() != kListElement) return Errno::EINVAL;
        TRY(add_expression(entry));
      }
      const bool agrees = set_.expression_count == 0 || set_.expression_count == expression_count_;
      return agrees ? Result<>(ok()) : Result<>(Errno::EOPNOTSUPP);
    }
    if (is_end()) return ok();
    for (size_t i = 0; i < set_.expression_count; ++i) {
      expressions_[i] = TRY(clone_expression(context_, *set_.expressions[i]));
      ++expression_count_;
    }
    return ok();
  }

  Result<> read_object() {
    if (!has(kElementObject)) return ok();
    NftObject* object =
        TRY(find_object(*context_.table, attributes_[kElementObject], set_.object_type, context_.tables.generations.next()));
    TRY(use(object->use));
    object_ = object;
    return ok();
  }

  // It has to fit to who uses the set already.
  Result<> read_element_data() {
    if (!has(kElementData)) return ok();
    const DataType type = set_.has_verdicts() ? DataType::Verdict : DataType::Value;
    data_size_ = TRY(
        read_data(&context_, data_, {.type = type, .size = set_.data_size, .is_of_element = true}, attributes_[kElementData]));
    holds_data_ = true;
    for (const NftBinding& binding : set_.bindings) {
      if ((binding.flags & kNftSetMap) == 0) continue;
      const uint8_t at = set_.has_verdicts() ? kNftVerdictRegister : kNftFirstRegister;
      TRY(check_store(context_, at, type, data_size_));
      if (set_.has_verdicts() && leads_on(data_.verdict)) need_check(*context_.table);
    }
    return ok();
  }

  Result<NftElement*> make() {
    const ByteSpan user_data = has(kElementUserData) ? attributes_[kElementUserData].value() : ByteSpan();
    NftElementShape shape{.key_size = has(kElementKey) ? set_.key_size : uint16_t{0},
                          .end_size = has(kElementKeyEnd) ? set_.key_size : uint16_t{0},
                          .data_size = data_size_,
                          .user_size = static_cast<uint16_t>(user_data.size())};
    for (size_t i = 0; i < expression_count_; ++i) {
      shape.expression_size = static_cast<uint16_t>(shape.expression_size + expressions_[i]->kind->size);
    }
    NftElement* element = NftElement::create(context_.hal(), shape);
    if (element == nullptr) return Errno::ENOMEM;
    element->flags = flags_;
    if (shape.key_size != 0) memcpy(element->key(), key_.words, shape.key_size);
    if (shape.end_size != 0) memcpy(element->end(), end_.words, shape.end_size);
    if (holds_data_) memcpy(static_cast<void*>(&element->data()), &data_, data_size_);
    copy_bytes(element->user_data(), user_data);
    uint8_t* room = element->expression_memory();
    for (size_t i = 0; i < expression_count_; ++i) {
      memcpy(room, static_cast<const void*>(expressions_[i]), expressions_[i]->kind->size);
      room += expressions_[i]->kind->size;
    }
    if ((set_.flags & kNftSetTimeout) != 0) {
      element->has_timeout = true;
      element->timeout_ms = timeout_;
      const uint64_t left = expiration_ != 0 ? expiration_ : timeout_;
      element->expiration =
          context_.now() + Duration::millis(left > INT64_MAX / 2'000'000 ? INT64_MAX / 2'000'000 : static_cast<int64_t>(left));
    }
    element->object = std::exchange(object_, nullptr);
    holds_data_ = false;
    return element;
  }

  Context& context_;
  NftSet& set_;
  const NlaTable& attributes_;
  uint8_t flags_ = 0;
  uint64_t timeout_ = 0, expiration_ = 0;
  NftExpression* expressions_[NftSet::kExpressions] = {};
  uint8_t expression_count_ = 0;
  NftData key_{}, end_{}, data_{};
  uint16_t data_size_ = 0;
  bool holds_data_ = false;
  NftObject* object_ = nullptr;
};

}  // namespace

Result<NftElement*> read_element(Context& context, NftSet& set, const NlaTable& attributes) {
  return ElementReader(context, set, attributes).read();
}

}  // namespace lxnet::nft
