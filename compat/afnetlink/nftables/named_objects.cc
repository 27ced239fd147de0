// NEWOBJ, DELOBJ, DESTROYOBJ: counters, quotas and limits with names. And flow tables, of which there are none.
#include "compat/afnetlink/nftables/face.hh"
#include "compat/afnetlink/nftables/stateful.hh"

namespace lxnet::nft {
namespace {

Result<NftExpression*> make_state(Context& context, uint32_t type) {
  const StatefulType* row = find_stateful(type);
  if (row == nullptr) return Errno::ENOENT;
  ParsedExpression parsed;
  TRY(parse_attributes(parsed.attributes, context[kObjectData].value(), row->type->last, row->type->policy));
  const NftExpressionKind* kind =
      row->type->choose == nullptr ? row->type->kind : TRY(row->type->choose(context, parsed.attributes));
  void* room = context.hal().alloc(kind->size, alignof(NftExpression));
  if (room == nullptr) return Errno::ENOMEM;
  memset(room, 0, kind->size);
  kind->face->make(room);
  auto* state = static_cast<NftExpression*>(room);
  state->kind = kind;
  if (auto read = kind->face->read(context, *state, parsed.attributes); !read.is_ok()) {
    context.hal().free(room, kind->size);
    return read.error();
  }
  return state;
}

Result<> update_object(Context& context, NftObject& object) {
  if (context.has(kExclusive)) return context.blame(context[kObjectName], Errno::EEXIST);
  if (context.has(kReplace)) return Errno::EOPNOTSUPP;
  if (object.type != kQuotaObject) return ok();  // nothing of it can be changed
  Transaction* made = new_transaction(context, kNewObject);
  if (made == nullptr) return Errno::ENOMEM;
  auto state = make_state(context, object.type);
  auto* fresh = state.is_ok() ? construct<NftObject>(context.hal()) : nullptr;
  if (fresh == nullptr) {
    dispose(context.hal(), made);
    if (!state.is_ok()) return state.error();
    free_expression(context, state.take());
    return Errno::ENOMEM;
  }
  fresh->state = state.take();
  made->is_update = true;
  made->object = &object;
  made->new_object = fresh;
  add_transaction(context.tables, *made);
  return ok();
}

Result<> complete_object(Context& context, NftObject& object) {
  object.state = TRY(make_state(context, object.type));
  object.table = context.table;
  object.handle = ++context.table->last_handle;
  object.name = TRY(copy_name(context.hal(), context[kObjectName].text()));
  if (context[kObjectUserData]) object.user_data = TRY(copy_user_data(context.hal(), context[kObjectUserData]));
  return ok();
}

}  // namespace

Result<> new_object(Context& context) {
  if (!context[kObjectType] || !context[kObjectName] || !context[kObjectData]) return Errno::EINVAL;
  const uint8_t next = context.tables.generations.next();
  auto table = find_table(context.tables, context[kObjectTable], context.family, next, context.header.port);
  if (!table.is_ok()) return context.blame(context[kObjectTable], table.error());
  context.table = table.take();
  const uint32_t type = context[kObjectType].be32();
  auto found = find_object(*context.table, context[kObjectName], type, next);
  if (found.is_ok()) return update_object(context, *found.take());
  TRY(use(context.table->use));
  auto* object = construct<NftObject>(context.hal());
  Errno error = object == nullptr ? Errno::ENOMEM : Errno{};
  if (object != nullptr) {
    object->type = type;
    if (auto completed = complete_object(context, *object); !completed.is_ok()) error = completed.error();
  }
  Transaction* made = error == Errno{} ? new_transaction(context, kNewObject) : nullptr;
  if (made == nullptr) {
    if (object != nullptr) destroy_object(context, object);
    --context.table->use;
    return error == Errno{} ? Errno::ENOMEM : error;
  }
  made->object = object;
  context.tables.generations.appear_next(*object);
  add_transaction(context.tables, *made);
  context.table->objects.push_back(*object);
  return ok();
}

Result<> delete_one_object(Context& context, NftObject& object) {
  Transaction* made = new_transaction(context, kDelObject);
  if (made == nullptr) return Errno::ENOMEM;
  made->object = &object;
  add_transaction(context.tables, *made);
  context.tables.generations.vanish_next(object);
  --context.table->use;
  return ok();
}

Result<> delete_object(Context& context) {
  const Nla handle = context[kObjectHandle], name = context[kObjectName];
  if (!context[kObjectType] || (!name && !handle)) return Errno::EINVAL;
  const uint8_t next = context.tables.generations.next();
  auto table = find_table(context.tables, context[kObjectTable], context.family, next, context.header.port);
  if (!table.is_ok()) return context.blame(context[kObjectTable], table.error());
  context.table = table.take();
  const uint32_t type = context[kObjectType].be32();
  auto found =
      handle ? find_object_by_handle(*context.table, handle.be64(), type, next) : find_object(*context.table, name, type, next);
  if (!found.is_ok()) {
    if (found.error() == Errno::ENOENT && context.message == kDestroyObject) return ok();
    return context.blame(handle ? handle : name, found.error());
  }
  NftObject& object = *found.take();
  if (object.use > 0) return context.blame(handle ? handle : name, Errno::EBUSY);
  return delete_one_object(context, object);
}

void destroy_object(Context& context, NftObject* object) {
  if (object->state != nullptr) free_expression(context, object->state);
  dispose(context.hal(), object);
}

bool fill_object(NftTables& tables, MessageWriter& writer, const Told& told, const NftObject& object, bool resets) {
  writer.begin(static_cast<uint16_t>(kSubsystem << 8 | told.message), told.flags, told.sequence, told.port,
               {object.table->family, 0, Be16(static_cast<uint16_t>(tables.base_sequence))});
  writer.put_text(kObjectTable, object.table->name.data());
  writer.put_text(kObjectName, object.name.data());
  writer.put_be32(kObjectType, object.type);
  writer.put_be64(kObjectHandle, object.handle);
  if (told.message == kDelObject || told.message == kDestroyObject) return writer.end();
  writer.put_be32(kObjectUse, object.use);
  const size_t nest = writer.nest(kObjectData);
  object.state->kind->face->write(tables, writer, *object.state, resets);
  writer.end_nest(nest);
  if (!object.user_data.is_empty()) writer.put(kObjectUserData, {object.user_data.data(), object.user_data.size()});
  return writer.end();
}

// ---- flow tables: as where they are not built in

Result<> new_flow_table(Context& context) {
  if (!context[kFlowTableTable] || !context[kFlowTableName] || !context[kFlowTableHook]) return Errno::EINVAL;
  auto table = find_table(context.tables, context[kFlowTableTable], context.family, context.tables.generations.next(),
                          context.header.port);
  if (!table.is_ok()) return context.blame(context[kFlowTableTable], table.error());
  return Errno::ENOENT;
}

Result<> delete_flow_table(Context& context) {
  const Nla handle = context[kFlowTableHandle], name = context[kFlowTableName];
  if (!context[kFlowTableTable] || (!name && !handle)) return Errno::EINVAL;
  auto table = find_table(context.tables, context[kFlowTableTable], context.family, context.tables.generations.next(),
                          context.header.port);
  if (!table.is_ok()) return context.blame(context[kFlowTableTable], table.error());
  if (context.message == kDestroyFlowTable) return ok();
  return context.blame(handle ? handle : name, Errno::ENOENT);
}

}  // namespace lxnet::nft
