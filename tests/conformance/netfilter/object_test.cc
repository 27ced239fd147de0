// Tables, chains, rules, sets: what may be made of them, and what is wrong with what may not.
#include "tests/conformance/netfilter/nft_client.hh"

namespace conformance {
namespace {

constexpr int kCreate = NLM_F_CREATE, kOnce = NLM_F_CREATE | NLM_F_EXCL;

void make(Nft& tables, const char* table = "t") {
  ASSERT_EQ(tables.change(NFT_MSG_NEWTABLE, kCreate, AF_INET, table_named(table)), 0);
  ASSERT_EQ(tables.change(NFT_MSG_NEWCHAIN, kCreate, AF_INET, chain_named(table, "c")), 0);
}
// The offset of the attribute of that type in what change() sent.
int offset_in(const std::string& attributes, int type) {
  for (size_t at = 0; at < attributes.size();) {
    nlattr head;
    memcpy(&head, attributes.data() + at, sizeof head);
    if ((head.nla_type & NLA_TYPE_MASK) == type) return static_cast<int>(sizeof(nlmsghdr) + sizeof(nfgenmsg) + at);
    at += NLA_ALIGN(head.nla_len);
  }
  return -1;
}

TEST(NftTable, ComesAndGoes) {
  with_nft([](Nft& tables) {
    const std::string name = table_named("t");
    EXPECT_EQ(tables.change(NFT_MSG_NEWTABLE, 0, AF_INET, ""), -EINVAL);
    EXPECT_EQ(tables.change(NFT_MSG_NEWTABLE, kOnce, AF_INET, name), 0);
    EXPECT_EQ(tables.change(NFT_MSG_NEWTABLE, kCreate, AF_INET, name), 0);
    EXPECT_EQ(tables.change(NFT_MSG_NEWTABLE, kOnce, AF_INET, name), -EEXIST);
    EXPECT_EQ(tables.last().offset, 20);
    EXPECT_EQ(tables.change(NFT_MSG_NEWTABLE, NLM_F_REPLACE, AF_INET, name), -EOPNOTSUPP);
    EXPECT_EQ(tables.change(NFT_MSG_NEWTABLE, kCreate, AF_INET, name + attribute(NFTA_TABLE_FLAGS, be32(0x80))), -EOPNOTSUPP);
    EXPECT_EQ(tables.change(NFT_MSG_NEWTABLE, kCreate, 77, name), -EOPNOTSUPP);
    EXPECT_EQ(tables.change(NFT_MSG_DELTABLE, 0, AF_INET6, name), -ENOENT) << "another family's";
    EXPECT_EQ(tables.last().offset, 20);
    EXPECT_EQ(tables.change(NFT_MSG_DELTABLE, 0, AF_INET, name), 0);
    EXPECT_EQ(tables.change(NFT_MSG_DELTABLE, 0, AF_INET, name), -ENOENT);
    EXPECT_EQ(tables.change(kDestroyTable, 0, AF_INET, name), 0) << "it is gone, as was asked";
  });
}

TEST(NftTable, AnOwnersTableIsTheirs) {
  with_nft([](Nft& tables) {
    {
      Nft owner;
      const std::string owned = table_named("mine") + attribute(NFTA_TABLE_FLAGS, be32(kOwner));
      EXPECT_EQ(owner.change(NFT_MSG_NEWTABLE, kCreate, AF_INET, owned), 0);
      EXPECT_EQ(tables.change(NFT_MSG_NEWCHAIN, kCreate, AF_INET, chain_named("mine", "c")), -EPERM);
      EXPECT_EQ(tables.change(NFT_MSG_DELTABLE, 0, AF_INET, table_named("mine")), -EPERM);
      const std::string kept = table_named("kept") + attribute(NFTA_TABLE_FLAGS, be32(kOwner | kPersist));
      EXPECT_EQ(owner.change(NFT_MSG_NEWTABLE, kCreate, AF_INET, kept), 0);
      EXPECT_EQ(owner.change(NFT_MSG_NEWTABLE, kCreate, AF_INET, table_named("p") + attribute(NFTA_TABLE_FLAGS, be32(kPersist))),
                0);
    }
    EXPECT_EQ(tables.ask(NFT_MSG_GETTABLE, 0, AF_INET, table_named("mine")).error, -ENOENT) << "it went with its owner";
    EXPECT_EQ(number(tables.ask(NFT_MSG_GETTABLE, 0, AF_INET, table_named("kept")).find(NFTA_TABLE_FLAGS)), kPersist);
    EXPECT_EQ(tables.change(NFT_MSG_NEWCHAIN, kCreate, AF_INET, chain_named("kept", "c")), 0);
  });
}

TEST(NftChain, BaseChainsSayWhereTheyAre) {
  with_nft([](Nft& tables) {
    ASSERT_EQ(tables.change(NFT_MSG_NEWTABLE, kCreate, AF_INET, table_named("t")), 0);
    const std::string name = chain_named("t", "b");
    EXPECT_EQ(tables.change(NFT_MSG_NEWCHAIN, kCreate, AF_INET, name + at_hook(9, 0)), -EOPNOTSUPP);
    EXPECT_EQ(tables.change(NFT_MSG_NEWCHAIN, kCreate, AF_INET, name + at_hook(1, 0, "nonesuch")), -ENOENT);
    EXPECT_EQ(tables.change(NFT_MSG_NEWCHAIN, kCreate, AF_INET, name + at_hook(1, 0, "route")), -EOPNOTSUPP) << "only at OUTPUT";
    EXPECT_EQ(tables.change(NFT_MSG_NEWCHAIN, kCreate, AF_INET, name + at_hook(1, -100, "nat")), 0);
    EXPECT_EQ(tables.change(NFT_MSG_DELCHAIN, 0, AF_INET, name), 0);
    EXPECT_EQ(tables.change(NFT_MSG_NEWCHAIN, kCreate, AF_INET, name + attribute(NFTA_CHAIN_POLICY, be32(NF_DROP))), -EOPNOTSUPP);
    const std::string hook = name + at_hook(1, 7);
    EXPECT_EQ(tables.change(NFT_MSG_NEWCHAIN, kCreate, AF_INET, hook + attribute(NFTA_CHAIN_POLICY, be32(5))), -EINVAL);
    EXPECT_EQ(tables.change(NFT_MSG_NEWCHAIN, kCreate, AF_INET, hook + attribute(NFTA_CHAIN_POLICY, be32(NF_ACCEPT))), 0);
    EXPECT_EQ(tables.change(NFT_MSG_NEWCHAIN, kCreate, AF_INET, name + at_hook(1, 8)), -EOPNOTSUPP) << "it is elsewhere";
    EXPECT_EQ(tables.change(NFT_MSG_NEWCHAIN, kOnce, AF_INET, hook), -EEXIST);
    const Heard told = tables.ask(NFT_MSG_GETCHAIN, 0, AF_INET, name);
    EXPECT_EQ(told.find(NFTA_CHAIN_TYPE), text("filter"));
    EXPECT_EQ(number(Heard::in(told.find(NFTA_CHAIN_HOOK), 0, NFTA_HOOK_PRIORITY)), 7u);
    EXPECT_EQ(number(told.find(NFTA_CHAIN_POLICY)), static_cast<uint32_t>(NF_ACCEPT));
  });
}

TEST(NftChain, ChainsInUseStay) {
  with_nft([](Nft& tables) {
    make(tables);
    ASSERT_EQ(tables.change(NFT_MSG_NEWCHAIN, kCreate, AF_INET, chain_named("t", "d")), 0);
    const auto jump = [&](const char* from, const char* to) {
      return tables.change(NFT_MSG_NEWRULE, kCreate | NLM_F_APPEND, AF_INET, rule_in("t", from, verdict_step(NFT_JUMP, to)));
    };
    EXPECT_EQ(jump("c", "d"), 0);
    EXPECT_EQ(jump("d", "c"), 0) << "no packet comes there";
    ASSERT_EQ(tables.change(NFT_MSG_NEWCHAIN, kCreate, AF_INET, chain_named("t", "base") + at_hook(1, 0)), 0);
    EXPECT_EQ(jump("base", "c"), -EMLINK) << "a loop is a way that never ends";
    EXPECT_EQ(jump("c", "nowhere"), -ENOENT);
    EXPECT_EQ(tables.change(NFT_MSG_DELCHAIN, 0, AF_INET, chain_named("t", "d")), -EBUSY);
    EXPECT_EQ(tables.last().offset, offset_in(chain_named("t", "d"), NFTA_CHAIN_NAME));
    EXPECT_EQ(tables.change(NFT_MSG_DELRULE, 0, AF_INET, rule_in("t", "c")), 0);
    EXPECT_EQ(tables.change(NFT_MSG_DELCHAIN, 0, AF_INET, chain_named("t", "d")), 0);
    // Seventeen chains deep is one too many.
    for (int i = 0; i < 18; ++i)
      ASSERT_EQ(tables.change(NFT_MSG_NEWCHAIN, kCreate, AF_INET, chain_named("t", ("deep" + std::to_string(i)).c_str())), 0);
    for (int i = 17; i > 0; --i)
      EXPECT_EQ(jump(("deep" + std::to_string(i - 1)).c_str(), ("deep" + std::to_string(i)).c_str()), 0) << i;
    EXPECT_EQ(jump("base", "deep0"), -EMLINK);
    EXPECT_EQ(jump("base", "deep2"), -EMLINK);
    EXPECT_EQ(jump("base", "deep3"), 0);
  });
}

TEST(NftRule, HasAPlace) {
  with_nft([](Nft& tables) {
    make(tables);
    const auto add = [&](int flags, const char* remark, const std::string& more = "") {
      return tables.change(NFT_MSG_NEWRULE, flags, AF_INET,
                           rule_in("t", "c", counter()) + attribute(NFTA_RULE_USERDATA, remark) + more);
    };
    const auto order = [&] {
      std::string result;
      for (const Heard& one : tables.dump(NFT_MSG_GETRULE, AF_INET)) {
        if (one.type != NLMSG_DONE)
          result += one.find(NFTA_RULE_USERDATA) + "@" + std::to_string(number64(one.find(NFTA_RULE_HANDLE))) + " ";
      }
      return result;
    };
    EXPECT_EQ(add(0, "x"), -EINVAL) << "neither created nor named";
    EXPECT_EQ(add(kCreate | NLM_F_APPEND, "a"), 0);
    EXPECT_EQ(add(kCreate, "b"), 0);
    EXPECT_EQ(order(), "b@3 a@2 ");
    EXPECT_EQ(add(kCreate | NLM_F_APPEND, "c", attribute(NFTA_RULE_POSITION, be64(3))), 0);
    EXPECT_EQ(add(kCreate, "d", attribute(NFTA_RULE_POSITION, be64(2))), 0);
    EXPECT_EQ(order(), "b@3 c@4 d@5 a@2 ");
    EXPECT_EQ(add(kCreate, "e", attribute(NFTA_RULE_POSITION, be64(99))), -ENOENT);
    EXPECT_EQ(add(NLM_F_REPLACE, "f", attribute(NFTA_RULE_HANDLE, be64(4))), 0);
    EXPECT_EQ(order(), "b@3 f@4 d@5 a@2 ") << "in its place, by its name";
    EXPECT_EQ(add(kOnce, "g", attribute(NFTA_RULE_HANDLE, be64(5))), -EEXIST);
    EXPECT_EQ(tables.change(NFT_MSG_DELRULE, 0, AF_INET, rule_in("t", "c") + attribute(NFTA_RULE_HANDLE, be64(99))), -ENOENT);
    EXPECT_EQ(tables.change(NFT_MSG_DELRULE, 0, AF_INET, rule_in("t", "c") + attribute(NFTA_RULE_HANDLE, be64(5))), 0);
    EXPECT_EQ(tables.change(kDestroyRule, 0, AF_INET, rule_in("t", "c") + attribute(NFTA_RULE_HANDLE, be64(5))), 0);
    EXPECT_EQ(order(), "b@3 f@4 a@2 ");
  });
}

TEST(NftRule, ExpressionsAreChecked) {
  with_nft([](Nft& tables) {
    make(tables);
    const auto add = [&](const std::string& expressions) {
      return tables.change(NFT_MSG_NEWRULE, kCreate | NLM_F_APPEND, AF_INET, rule_in("t", "c", expressions));
    };
    EXPECT_EQ(add(expression("nonesuch")), -ENOENT);
    EXPECT_EQ(tables.last().offset, 40) << "which expression it is";
    EXPECT_EQ(add(counter() + expression("nonesuch")), -ENOENT);
    EXPECT_EQ(add(expression("cmp")), -EINVAL);
    EXPECT_EQ(add(load_meta(99)), -EOPNOTSUPP);
    EXPECT_EQ(add(load_meta(NFT_META_MARK, 99)), -ERANGE);
    EXPECT_EQ(add(load_meta(NFT_META_MARK, 5)), -ERANGE);
    EXPECT_EQ(add(compare(std::string(4, 'x'))), -ENODATA) << "a register that nothing was loaded into";
    EXPECT_EQ(add(load_meta(NFT_META_MARK, NFT_REG32_15) + compare(std::string(16, 'x'), NFT_CMP_EQ, NFT_REG32_15)), -ERANGE);
    EXPECT_EQ(add(load_meta(NFT_META_MARK) + compare(be32(1), 77)), -EINVAL);
    EXPECT_EQ(add(load(9, 0, 4)), -EOPNOTSUPP);
    EXPECT_EQ(add(load(NFT_PAYLOAD_NETWORK_HEADER, 0, 65)), -ERANGE) << "more than a register";
    EXPECT_EQ(add(load(NFT_PAYLOAD_NETWORK_HEADER, 300, 4)), 0);
    EXPECT_EQ(add(load(NFT_PAYLOAD_NETWORK_HEADER, 0x10000, 4)), -ERANGE);
    EXPECT_EQ(add(lookup("nonesuch")), -ENOENT);
    EXPECT_EQ(add(verdict_step(77)), -EINVAL);
    EXPECT_EQ(add(expression("immediate", reg(NFTA_IMMEDIATE_DREG, 0) + value(NFTA_IMMEDIATE_DATA, be32(1)))), -EINVAL);
    EXPECT_EQ(add(expression("limit", attribute(NFTA_LIMIT_RATE, be64(0)) + attribute(NFTA_LIMIT_UNIT, be64(1)))), -EINVAL);
    EXPECT_EQ(add(expression("objref", attribute(NFTA_OBJREF_IMM_TYPE, be32(1)) + attribute(NFTA_OBJREF_IMM_NAME, text("o")))),
              -ENOENT);
    std::string many;
    for (int i = 0; i < 129; ++i) many += counter();
    EXPECT_EQ(add(many), -EINVAL);
  });
}

TEST(NftRule, LogsAtALevel) {
  with_nft([](Nft& tables) {
    make(tables);
    const auto add = [&](const std::string& settings) {
      return tables.change(NFT_MSG_NEWRULE, kCreate | NLM_F_APPEND, AF_INET, rule_in("t", "c", expression("log", settings)));
    };
    EXPECT_EQ(add(attribute(NFTA_LOG_LEVEL, be32(9))), -EINVAL);
    EXPECT_EQ(add(attribute(NFTA_LOG_FLAGS, be32(0x10))), -EINVAL);
    const std::string group = attribute(NFTA_LOG_GROUP, bytes(uint16_t{0}));
    EXPECT_EQ(add(attribute(NFTA_LOG_LEVEL, be32(4)) + group), -EINVAL);
    EXPECT_EQ(add(attribute(NFTA_LOG_FLAGS, be32(1)) + group), -EINVAL);
    EXPECT_EQ(add(attribute(NFTA_LOG_PREFIX, std::string(128, 'x'))), -ERANGE);
    EXPECT_EQ(add(attribute(NFTA_LOG_PREFIX, std::string(127, 'x'))), 0);
    const std::vector<Heard> all = tables.dump(NFT_MSG_GETRULE, AF_INET);
    ASSERT_EQ(all.size(), 2u);
    const std::string data = Heard::in(Heard::list(all[0].find(NFTA_RULE_EXPRESSIONS)).at(0), 0, NFTA_EXPR_DATA);
    EXPECT_EQ(Heard::in(data, 0, NFTA_LOG_PREFIX), std::string(127, 'x') + '\0');
    EXPECT_EQ(number(Heard::in(data, 0, NFTA_LOG_LEVEL)), 4u) << "a warning";
  });
}

TEST(NftSet, SaysWhatItsElementsAre) {
  with_nft([](Nft& tables) {
    make(tables);
    const auto add = [&](uint32_t flags, uint32_t size, const std::string& more = "") {
      return tables.change(NFT_MSG_NEWSET, kCreate, AF_INET, new_set("t", "s", flags, size, more));
    };
    EXPECT_EQ(add(0, 0), -EINVAL);
    EXPECT_EQ(add(0, 65), -EINVAL);
    EXPECT_EQ(add(0x1000, 4), -EOPNOTSUPP);
    EXPECT_EQ(add(NFT_SET_MAP, 4), -EINVAL) << "to what?";
    EXPECT_EQ(add(0, 4, attribute(NFTA_SET_TIMEOUT, be64(10))), -EINVAL) << "without the flag";
    EXPECT_EQ(add(NFT_SET_MAP | NFT_SET_OBJECT, 4, attribute(NFTA_SET_DATA_TYPE, be32(1))), -EOPNOTSUPP);
    EXPECT_EQ(tables.change(NFT_MSG_NEWSET, kCreate, AF_INET, set_named("t", "s")), -EINVAL);
    EXPECT_EQ(add(0, 4), 0);
    EXPECT_EQ(tables.change(NFT_MSG_NEWSET, kOnce, AF_INET, new_set("t", "s", 0, 4)), -EEXIST);
    EXPECT_EQ(tables.last().offset, offset_in(new_set("t", "s", 0, 4), NFTA_SET_NAME));
    EXPECT_EQ(tables.change(NFT_MSG_DELSET, 0, AF_INET, set_named("t", "nonesuch")), -ENOENT);
    EXPECT_EQ(tables.change(NFT_MSG_DELSET, 0, AF_INET, set_named("t", "s")), 0);
  });
}

TEST(NftSet, KeepsElements) {
  with_nft([](Nft& tables) {
    make(tables);
    ASSERT_EQ(tables.change(NFT_MSG_NEWSET, kCreate, AF_INET,
                            new_set("t", "s", 0, 4, nested(NFTA_SET_DESC, attribute(NFTA_SET_DESC_SIZE, be32(3))))),
              0);
    const auto change = [&](int type, int flags, const std::vector<std::string>& each) {
      return tables.change(type, flags, AF_INET, elements("t", "s", each));
    };
    EXPECT_EQ(change(NFT_MSG_NEWSETELEM, kCreate, {key(be32(1)), key(be32(2))}), 0);
    EXPECT_EQ(change(NFT_MSG_NEWSETELEM, kCreate, {key(be32(1))}), 0);
    EXPECT_EQ(change(NFT_MSG_NEWSETELEM, kOnce, {key(be32(1))}), -EEXIST);
    EXPECT_EQ(change(NFT_MSG_NEWSETELEM, kCreate, {key(std::string(3, 'x'))}), -EINVAL);
    EXPECT_EQ(change(NFT_MSG_NEWSETELEM, kCreate, {key(be32(3)) + value(NFTA_SET_ELEM_DATA, be32(1))}), -EINVAL);
    EXPECT_EQ(
        change(NFT_MSG_NEWSETELEM, kCreate, {key(be32(3)) + attribute(NFTA_SET_ELEM_FLAGS, be32(NFT_SET_ELEM_INTERVAL_END))}),
        -EINVAL);
    EXPECT_EQ(change(NFT_MSG_NEWSETELEM, kCreate, {key(be32(3)), key(be32(4))}), -ENFILE) << "the fourth of three";
    EXPECT_EQ(change(NFT_MSG_NEWSETELEM, kCreate, {key(be32(3))}), 0) << "none of the two had come";
    EXPECT_EQ(change(NFT_MSG_DELSETELEM, 0, {key(be32(9))}), -ENOENT);
    EXPECT_EQ(change(NFT_MSG_DELSETELEM, 0, {key(be32(2))}), 0);
    EXPECT_EQ(tables.ask(NFT_MSG_GETSETELEM, 0, AF_INET, elements("t", "s", {key(be32(2))})).error, -ENOENT);
    const Heard found = tables.ask(NFT_MSG_GETSETELEM, 0, AF_INET, elements("t", "s", {key(be32(3))}));
    EXPECT_EQ(found.type, nft(NFT_MSG_NEWSETELEM));
    EXPECT_EQ(tables.change(NFT_MSG_DELSETELEM, 0, AF_INET,
                            attribute(NFTA_SET_ELEM_LIST_TABLE, text("t")) + attribute(NFTA_SET_ELEM_LIST_SET, text("s"))),
              0)
        << "all of them";
    EXPECT_EQ(tables.ask(NFT_MSG_GETSETELEM, 0, AF_INET, elements("t", "s", {key(be32(3))})).error, -ENOENT);
  });
}

TEST(NftSet, IntervalsDoNotOverlap) {
  with_nft([](Nft& tables) {
    make(tables);
    ASSERT_EQ(tables.change(NFT_MSG_NEWSET, kCreate, AF_INET, new_set("t", "s", NFT_SET_INTERVAL, 4)), 0);
    const auto range = [&](int type, int flags, uint32_t low, uint32_t end) {
      return tables.change(
          type, flags, AF_INET,
          elements("t", "s", {key(be32(low)), key(be32(end)) + attribute(NFTA_SET_ELEM_FLAGS, be32(NFT_SET_ELEM_INTERVAL_END))}));
    };
    EXPECT_EQ(range(NFT_MSG_NEWSETELEM, kCreate, 10, 20), 0);
    EXPECT_EQ(range(NFT_MSG_NEWSETELEM, kCreate, 15, 30), -EEXIST);
    EXPECT_EQ(range(NFT_MSG_NEWSETELEM, kCreate, 10, 20), 0) << "the same again";
    EXPECT_EQ(range(NFT_MSG_NEWSETELEM, kOnce, 10, 20), -EEXIST);
    EXPECT_EQ(range(NFT_MSG_NEWSETELEM, kCreate, 20, 30), 0) << "its neighbour";
    EXPECT_EQ(range(NFT_MSG_NEWSETELEM, kCreate, 5, 40), -EEXIST) << "around them";
    EXPECT_EQ(range(NFT_MSG_DELSETELEM, 0, 10, 21), -ENOENT);
    EXPECT_EQ(range(NFT_MSG_DELSETELEM, 0, 10, 20), 0);
  });
}

TEST(NftSet, ASetInUseStays) {
  with_nft([](Nft& tables) {
    make(tables);
    ASSERT_EQ(tables.change(NFT_MSG_NEWSET, kCreate, AF_INET, new_set("t", "s", 0, 4)), 0);
    ASSERT_EQ(tables.change(NFT_MSG_NEWRULE, kCreate, AF_INET, rule_in("t", "c", load_meta(NFT_META_MARK) + lookup("s"))), 0);
    EXPECT_EQ(tables.change(NFT_MSG_DELSET, 0, AF_INET, set_named("t", "s")), -EBUSY);
    EXPECT_EQ(tables.change(NFT_MSG_DELRULE, 0, AF_INET, rule_in("t", "c")), 0);
    EXPECT_EQ(tables.change(NFT_MSG_DELSET, 0, AF_INET, set_named("t", "s")), 0);
  });
}

TEST(NftObject, CountersQuotasAndLimitsHaveNames) {
  with_nft([](Nft& tables) {
    make(tables);
    const auto object = [&](int type, const std::string& data) {
      return attribute(NFTA_OBJ_TABLE, text("t")) + attribute(NFTA_OBJ_NAME, text("o")) +
             attribute(NFTA_OBJ_TYPE, be32(static_cast<uint32_t>(type))) + nested(NFTA_OBJ_DATA, data);
    };
    const std::string counts =
        object(NFT_OBJECT_COUNTER, attribute(NFTA_COUNTER_PACKETS, be64(5)) + attribute(NFTA_COUNTER_BYTES, be64(99)));
    EXPECT_EQ(tables.change(NFT_MSG_NEWOBJ, kCreate, AF_INET, counts), 0);
    EXPECT_EQ(tables.change(NFT_MSG_NEWOBJ, kOnce, AF_INET, counts), -EEXIST);
    EXPECT_EQ(tables.change(NFT_MSG_NEWOBJ, kCreate, AF_INET, object(77, "")), -ENOENT);
    EXPECT_EQ(tables.change(NFT_MSG_NEWOBJ, kCreate, AF_INET, object(NFT_OBJECT_QUOTA, "")), -EINVAL);
    const std::string named = object(NFT_OBJECT_COUNTER, "");
    const auto packets = [&](int message) {
      return number64(Heard::in(tables.ask(message, 0, AF_INET, named).find(NFTA_OBJ_DATA), 0, NFTA_COUNTER_PACKETS));
    };
    EXPECT_EQ(packets(NFT_MSG_GETOBJ), 5u);
    EXPECT_EQ(packets(NFT_MSG_GETOBJ_RESET), 5u);
    EXPECT_EQ(packets(NFT_MSG_GETOBJ), 0u);
    EXPECT_EQ(tables.change(NFT_MSG_NEWRULE, kCreate, AF_INET,
                            rule_in("t", "c",
                                    expression("objref", attribute(NFTA_OBJREF_IMM_TYPE, be32(NFT_OBJECT_COUNTER)) +
                                                             attribute(NFTA_OBJREF_IMM_NAME, text("o"))))),
              0);
    EXPECT_EQ(tables.change(NFT_MSG_DELOBJ, 0, AF_INET, named), -EBUSY);
  });
}

}  // namespace
}  // namespace conformance
