// nfnetlink: sockets, headers, batches and what they are answered with.
#include <linux/capability.h>
#include <sys/syscall.h>

#include "tests/conformance/netfilter/nft_client.hh"

namespace conformance {
namespace {

// Sequence and error of each acknowledgement, in order.
std::string told(const std::vector<Heard>& all) {
  std::string result;
  for (const Heard& one : all) {
    if (one.type == NLMSG_ERROR) result += std::to_string(one.sequence) + ":" + std::to_string(one.error) + " ";
  }
  return result;
}
std::string make_table(uint32_t sequence, const char* name, int flags = 0) {
  return message(nft(NFT_MSG_NEWTABLE), NLM_F_CREATE | flags, sequence, family_head(AF_INET) + table_named(name));
}
uint32_t generation(Nft& tables) { return number(tables.ask(NFT_MSG_GETGEN, 0, AF_UNSPEC, "").find(NFTA_GEN_ID)); }

TEST(Nfnetlink, SocketsAreRawOrDatagrams) {
  with_nft([](Nft&) {
    EXPECT_EQ(answer(::socket(AF_NETLINK, SOCK_STREAM, NETLINK_NETFILTER)), -ESOCKTNOSUPPORT);
    EXPECT_GE(Fd(::socket(AF_NETLINK, SOCK_DGRAM, NETLINK_NETFILTER)), 0);
  });
}

TEST(Nfnetlink, UnknownSubsystemsAndMessages) {
  with_nft([](Nft& tables) {
    const auto error_of = [&](int type, const std::string& body) {
      const std::vector<Heard> all = tables.talk(message(static_cast<uint16_t>(type), NLM_F_ACK, 9, body));
      return all.empty() ? 1 : all[0].error;
    };
    EXPECT_EQ(error_of(200 << 8, family_head(AF_INET)), -EINVAL);
    EXPECT_EQ(error_of(nft(99), family_head(AF_INET)), -EINVAL);
    EXPECT_EQ(error_of(nft(NFT_MSG_NEWTABLE), family_head(AF_INET) + table_named("t")), -EINVAL) << "only in a batch";
    EXPECT_EQ(error_of(nft(NFT_MSG_GETTABLE), "ab"), 0) << "too short for a header: passed over";
    EXPECT_EQ(error_of(nft(NFT_MSG_GETTABLE), family_head(AF_INET)), -EINVAL);
    EXPECT_EQ(error_of(nft(NFT_MSG_GETTABLE), family_head(AF_INET) + table_named("t")), -ENOENT);
    EXPECT_EQ(error_of(nft(NFT_MSG_GETTABLE), family_head(77) + table_named("t")), -ENOENT);
    EXPECT_EQ(error_of(nft(NFT_MSG_GETTABLE), family_head(AF_INET, 0, 9) + table_named("t")), -ENOENT) << "no version is wrong";
    EXPECT_EQ(error_of(nft(NFT_MSG_GETTABLE), family_head(AF_INET) + attribute(NFTA_TABLE_NAME, std::string(300, 'x'))), -ERANGE);
  });
}

TEST(Nfnetlink, WithoutTheRightNothingIsHeard) {
  with_nft([](Nft& tables) {
    __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[2]{};
    ASSERT_EQ(::syscall(SYS_capset, &head, none), 0);
    Nft other;
    EXPECT_EQ(other.listen(), -EPERM);
    const std::string question = message(nft(NFT_MSG_GETGEN), NLM_F_ACK, 4, family_head(AF_UNSPEC));
    EXPECT_EQ(told(other.talk(question)), "4:-1 ");
    EXPECT_EQ(told(tables.talk(question)), "4:-1 ") << "whoever made the socket";
    EXPECT_EQ(told(other.talk(batch_begin(1) + make_table(2, "t", NLM_F_ACK) + batch_end(3))), "1:-1 ");
  });
}

TEST(Nfnetlink, AcknowledgementsOfABatchFollowItsMessages) {
  with_nft([](Nft& tables) {
    EXPECT_EQ(told(tables.talk(batch_begin(1, NLM_F_ACK) + make_table(2, "a", NLM_F_ACK) + make_table(3, "b") +
                               make_table(4, "c", NLM_F_ACK) + batch_end(5, NLM_F_ACK))),
              "1:0 2:0 4:0 5:0 ");
    EXPECT_EQ(told(tables.talk(batch_begin(1, NLM_F_ACK) + make_table(2, "d", NLM_F_ACK) + make_table(3, "a", NLM_F_EXCL) +
                               make_table(4, "e", NLM_F_ACK) + make_table(5, "b", NLM_F_EXCL) + batch_end(6, NLM_F_ACK))),
              "1:0 2:0 3:-17 4:0 5:-17 ");
    EXPECT_EQ(tables.ask(NFT_MSG_GETTABLE, 0, AF_INET, table_named("d")).error, -ENOENT) << "all or nothing";
    EXPECT_EQ(tables.ask(NFT_MSG_GETTABLE, 0, AF_INET, table_named("a")).find(NFTA_TABLE_NAME), text("a"));
  });
}

TEST(Nfnetlink, ABatchWithoutAnEndHappensNot) {
  with_nft([](Nft& tables) {
    EXPECT_EQ(told(tables.talk(batch_begin(1) + make_table(2, "a", NLM_F_ACK))), "2:0 ");
    EXPECT_EQ(tables.ask(NFT_MSG_GETTABLE, 0, AF_INET, table_named("a")).error, -ENOENT);
  });
}

TEST(Nfnetlink, WhatMayNotStandInABatch) {
  with_nft([](Nft& tables) {
    const std::string question = message(nft(NFT_MSG_GETTABLE), NLM_F_ACK, 2, family_head(AF_INET) + table_named("a"));
    EXPECT_EQ(told(tables.talk(batch_begin(1) + question + batch_end(3))), "2:-22 ");
    const std::string other = message(5 << 8, NLM_F_ACK, 2, family_head(AF_INET));
    EXPECT_EQ(told(tables.talk(batch_begin(1) + other + batch_end(3))), "2:-22 ");
    EXPECT_EQ(told(tables.talk(batch_begin(1) + batch_begin(2) + make_table(3, "a", NLM_F_ACK))), "") << "nobody is told";
    EXPECT_EQ(told(tables.talk(message(NFNL_MSG_BATCH_BEGIN, NLM_F_ACK, 1, family_head(AF_UNSPEC, 99)))), "1:-22 ");
    EXPECT_EQ(told(tables.talk(message(NFNL_MSG_BATCH_BEGIN, NLM_F_ACK, 1, family_head(AF_UNSPEC, NFNL_SUBSYS_NFT_COMPAT)))),
              "1:-95 ");
    EXPECT_EQ(told(tables.talk(message(NFNL_MSG_BATCH_END, NLM_F_ACK, 1, family_head(AF_UNSPEC)))), "1:-22 ");
    EXPECT_EQ(told(tables.talk(batch_begin(1) + message(NLMSG_NOOP, NLM_F_ACK, 2, family_head(AF_INET)) +
                               make_table(3, "a", NLM_F_ACK) + batch_end(4))),
              "2:-22 3:0 ");
  });
}

TEST(Nfnetlink, ABatchIsOfAGeneration) {
  with_nft([](Nft& tables) {
    const uint32_t now = generation(tables);
    const std::string of = attribute(NFNL_BATCH_GENID, be32(now)), late = attribute(NFNL_BATCH_GENID, be32(now + 7));
    EXPECT_EQ(told(tables.talk(batch_begin(1, 0, late) + make_table(2, "a", NLM_F_ACK) + batch_end(3))), "1:-85 ");
    EXPECT_EQ(generation(tables), now);
    EXPECT_EQ(told(tables.talk(batch_begin(1, 0, of) + make_table(2, "a", NLM_F_ACK) + batch_end(3))), "2:0 ");
    EXPECT_EQ(generation(tables), now + 1);
    EXPECT_EQ(told(tables.talk(batch_begin(1) + batch_end(2))), "");
    EXPECT_EQ(generation(tables), now + 1) << "nothing has changed";
  });
}

TEST(Nfnetlink, WhoListensHearsWhatWasCommitted) {
  with_nft([](Nft& tables) {
    Nft listener;
    ASSERT_EQ(listener.listen(), 0);
    tables.talk(batch_begin(1) + make_table(2, "a") + make_table(3, "b") + batch_end(4));
    tables.talk(batch_begin(5) + make_table(6, "c") + make_table(7, "a", NLM_F_EXCL) + batch_end(8));
    tables.talk(batch_begin(9) + message(nft(NFT_MSG_DELTABLE), 0, 10, family_head(AF_INET) + table_named("a")) + batch_end(11));
    std::string heard;
    for (const Heard& one : listener.hear()) heard += std::to_string(one.type & 255) + "/" + std::to_string(one.sequence) + " ";
    EXPECT_EQ(heard, "0/2 0/3 15/2 2/10 15/10 ");
  });
}

TEST(Nfnetlink, AnEchoIsForWhoAsked) {
  with_nft([](Nft& tables) {
    const std::vector<Heard> all = tables.talk(batch_begin(1) + make_table(2, "a", NLM_F_ECHO | NLM_F_ACK) + batch_end(3));
    std::string kinds;
    for (const Heard& one : all) kinds += std::to_string(one.type & 0xfff) + "/" + std::to_string(one.sequence) + " ";
    EXPECT_EQ(kinds, "2560/2 2575/2 2/2 ");
  });
}

TEST(Nfnetlink, ADumpThatChangesMeanwhileSaysSo) {
  with_nft([](Nft& tables) {
    std::string all = batch_begin(1);
    const std::string remark(200, 'u');
    for (uint32_t i = 0; i < 400; ++i) {
      const std::string name = "table" + std::to_string(i);
      all += message(nft(NFT_MSG_NEWTABLE), NLM_F_CREATE, 2,
                     family_head(AF_INET) + table_named(name.c_str()) + attribute(NFTA_TABLE_USERDATA, remark));
    }
    tables.talk(all + batch_end(3));
    Nft other;
    ASSERT_GT(other.send(message(nft(NFT_MSG_GETTABLE), NLM_F_DUMP, 5, family_head(AF_INET))), 0);
    std::string room(1 << 17, 0);
    ASSERT_GT(::recv(other.fd(), room.data(), room.size(), MSG_DONTWAIT), 0);
    const std::vector<Heard> busy = tables.dump(NFT_MSG_GETTABLE, AF_INET);
    EXPECT_EQ(busy.size(), 401u);
    EXPECT_EQ(busy.back().flags & NLM_F_DUMP_INTR, 0);
    tables.change(NFT_MSG_NEWTABLE, NLM_F_CREATE, AF_INET, table_named("late"));
    std::vector<Heard> rest;
    for (std::vector<Heard> more; !(more = other.hear()).empty();) rest.insert(rest.end(), more.begin(), more.end());
    ASSERT_FALSE(rest.empty());
    int interrupted = 0;
    for (const Heard& one : rest) interrupted += (one.flags & NLM_F_DUMP_INTR) != 0;
    EXPECT_GT(interrupted, 0);
  });
}

}  // namespace
}  // namespace conformance
