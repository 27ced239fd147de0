// NETLINK_CRYPTO: what there is of algorithms, and what an administrator may make of them.
#include <linux/cryptouser.h>
#include <linux/netlink.h>
#include <sys/wait.h>

#include "tests/conformance/alg/alg_posix.hh"

namespace conformance {
namespace {

constexpr uint32_t kTypeAead = 3, kTypeMask = 15, kTypeShash = 14;
constexpr long kNotSupported = -524;  // ENOTSUPP

crypto_user_alg named(const std::string& name, const std::string& driver, uint32_t type = 0, uint32_t mask = 0) {
  crypto_user_alg user{};
  memcpy(user.cru_name, name.data(), std::min(name.size(), sizeof user.cru_name));
  memcpy(user.cru_driver_name, driver.data(), std::min(driver.size(), sizeof user.cru_driver_name));
  user.cru_type = type;
  user.cru_mask = mask;
  return user;
}

std::string bytes_of(const crypto_user_alg& user) { return std::string(reinterpret_cast<const char*>(&user), sizeof user); }

std::string priority_attribute(const std::string& value) {
  const nlattr head{static_cast<uint16_t>(sizeof(nlattr) + value.size()), CRYPTOCFGA_PRIORITY_VAL};
  std::string text = std::string(reinterpret_cast<const char*>(&head), sizeof head) + value;
  text.resize(NLMSG_ALIGN(text.size()));
  return text;
}
std::string priority_attribute(uint32_t value) {
  return priority_attribute(std::string(reinterpret_cast<const char*>(&value), 4));
}

class AlgAdminTest : public AlgTest {
 protected:
  void SetUp() override {
    AlgTest::SetUp();
    if (IsSkipped()) return;
    netlink_ = Fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_CRYPTO));
    if (netlink_ < 0) GTEST_SKIP() << "this kernel has no NETLINK_CRYPTO";
  }

  // What the acknowledgement says; what came before it is kept.
  long ask(int type, const std::string& body) {
    nlmsghdr header{};
    header.nlmsg_len = static_cast<uint32_t>(sizeof header + body.size());
    header.nlmsg_type = static_cast<uint16_t>(type);
    header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    EXPECT_EQ(send_text(netlink_, std::string(reinterpret_cast<char*>(&header), sizeof header) + body),
              static_cast<long>(header.nlmsg_len));
    for (;;) {
      const std::string text = receive(netlink_, 8192, 0);
      if (text.size() < sizeof header) {
        ADD_FAILURE() << text;
        return 1;
      }
      memcpy(&header, text.data(), sizeof header);
      if (header.nlmsg_type == NLMSG_ERROR) {
        int error = 0;
        memcpy(&error, text.data() + sizeof header, sizeof error);
        return error;
      }
      memcpy(&told_, text.data() + sizeof header, sizeof told_);
      const size_t at = sizeof header + sizeof told_ + sizeof(nlattr);  // the priority comes first
      memcpy(&told_priority_, text.data() + at, sizeof told_priority_);
    }
  }
  long ask(int type, const crypto_user_alg& user, const std::string& more = "") { return ask(type, bytes_of(user) + more); }
  // Linux gives up what a closed socket used a little later.
  long remove(const crypto_user_alg& user) {
    for (int round = 0;; ++round) {
      const long result = ask(CRYPTO_MSG_DELALG, user);
      if (result != -EBUSY || round == 500) return result;
      usleep(2000);
    }
  }
  Fd netlink_;
  crypto_user_alg told_{};
  uint32_t told_priority_ = 0;
};

TEST_F(AlgAdminTest, MakesAnInstanceAndDeletesIt) {
  const crypto_user_alg mac = named("", "hmac(md5-generic)", kTypeShash, kTypeMask);
  remove(mac);
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, mac), -ENOENT);
  EXPECT_EQ(ask(CRYPTO_MSG_NEWALG, mac), 0);
  EXPECT_EQ(ask(CRYPTO_MSG_NEWALG, mac), -EEXIST);
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, mac), 0);
  EXPECT_STREQ(told_.cru_name, "hmac(md5)");
  EXPECT_STREQ(told_.cru_driver_name, "hmac(md5-generic)");
  EXPECT_EQ(told_.cru_refcnt, 2u);  // with the question's own
  EXPECT_EQ(told_.cru_flags & 0xc0f, 0xc0eu) << "an instance, tested, a hash";
  EXPECT_EQ(ask(CRYPTO_MSG_DELALG, mac), 0);
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, mac), -ENOENT);
  EXPECT_EQ(ask(CRYPTO_MSG_DELALG, mac), -ENOENT);
  // Bound to, it is there again.
  bound("hash", "hmac(md5-generic)");
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, mac), 0);
  EXPECT_EQ(remove(mac), 0);
}

TEST_F(AlgAdminTest, ByNameItMakesTheBestThereIs) {
  const crypto_user_alg mac = named("", "hmac(md5-generic)");
  remove(mac);
  EXPECT_EQ(ask(CRYPTO_MSG_NEWALG, named("hmac(md5)", "")), 0);
  EXPECT_EQ(ask(CRYPTO_MSG_NEWALG, named("hmac(md5)", "")), -EEXIST);
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, named("hmac(md5)", "")), 0);
  // Only a driver's name says which one is to go.
  EXPECT_EQ(ask(CRYPTO_MSG_DELALG, named("hmac(md5)", "")), -ENOENT);
  EXPECT_EQ(ask(CRYPTO_MSG_UPDATEALG, named("hmac(md5)", "")), -ENOENT);
  EXPECT_EQ(remove(mac), 0);
}

TEST_F(AlgAdminTest, WhatIsUsedStays) {
  const crypto_user_alg mac = named("", "hmac(md5-generic)");
  remove(mac);
  Fd user = bound("hash", "hmac(md5-generic)");
  EXPECT_EQ(ask(CRYPTO_MSG_DELALG, mac), -EBUSY);
  EXPECT_EQ(set_key(user, "Jefe"), 0);
  Fd operation = alg_accept(user);
  user.close();
  EXPECT_EQ(ask(CRYPTO_MSG_DELALG, mac), -EBUSY);
  EXPECT_EQ(send_text(operation, "what do ya want for nothing?"), 28);
  EXPECT_EQ(hex(receive(operation, 16)), "750c783e6ab0b503eaa86e310a5db738");
  operation.close();
  EXPECT_EQ(remove(mac), 0);
}

TEST_F(AlgAdminTest, WhatWasMadeOfItGoesWithIt) {
  const crypto_user_alg mac = named("", "hmac(md5-generic)"), both = named("", "authenc(hmac(md5-generic),cbc(aes-generic))");
  remove(both);
  remove(mac);
  EXPECT_EQ(ask(CRYPTO_MSG_NEWALG, both), 0);
  // What was made on the way is there, too.
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, mac), 0);
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, both), 0);
  EXPECT_STREQ(told_.cru_name, "authenc(hmac(md5),cbc(aes))");
  EXPECT_EQ(remove(mac), 0);
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, mac), -ENOENT);
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, both), -ENOENT);
}

// A socket keeps what it was bound to, also when nobody else finds it any more.
TEST_F(AlgAdminTest, AnUpdateUnlistsWhatIsMadeOfIt) {
  const crypto_user_alg mac = named("", "hmac(md5-generic)"), hash = named("", "md5-generic");
  Fd fd = operation("hash", "hmac(md5-generic)", "Jefe");
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, hash), 0);
  const uint32_t before = told_priority_;
  EXPECT_EQ(ask(CRYPTO_MSG_UPDATEALG, hash, priority_attribute(before + 7)), 0);
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, hash), 0);
  EXPECT_EQ(told_priority_, before + 7);
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, mac), -ENOENT);
  EXPECT_EQ(send_text(fd, "what do ya want for nothing?"), 28);
  EXPECT_EQ(hex(receive(fd, 16)), "750c783e6ab0b503eaa86e310a5db738");
  // The next one is made of it as it is now.
  bound("hash", "hmac(md5-generic)");
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, mac), 0);
  EXPECT_EQ(told_priority_, before + 7);
  fd.close();
  parent_.close();
  EXPECT_EQ(ask(CRYPTO_MSG_UPDATEALG, hash, priority_attribute(before)), 0);
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, mac), -ENOENT);
}

TEST_F(AlgAdminTest, APriorityDecidesWhoseANameIs) {
  const crypto_user_alg generic = named("", "sha1-generic");
  bound("hash", "sha1");
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, generic), 0);
  const uint32_t before = told_priority_;
  EXPECT_EQ(ask(CRYPTO_MSG_UPDATEALG, generic, priority_attribute(100000)), 0);
  remove(named("", "hmac(sha1-generic)"));
  bound("hash", "hmac(sha1)");
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, named("", "hmac(sha1-generic)")), 0);
  EXPECT_EQ(told_priority_, 100000u);
  EXPECT_EQ(ask(CRYPTO_MSG_UPDATEALG, generic, priority_attribute(before)), 0);
}

TEST_F(AlgAdminTest, OnlyInstancesGo) {
  bound("hash", "md5-generic");
  EXPECT_EQ(ask(CRYPTO_MSG_DELALG, named("", "md5-generic")), -EINVAL);
  EXPECT_EQ(ask(CRYPTO_MSG_DELALG, named("", "no-such-driver")), -ENOENT);
  EXPECT_EQ(ask(CRYPTO_MSG_DELALG, named("", "")), -ENOENT);
}

TEST_F(AlgAdminTest, RefusalsComeInTheirOrder) {
  const std::string priority = priority_attribute(7), shorter = priority_attribute(std::string("ab"));
  const crypto_user_alg endless = named(std::string(64, 'a'), ""), endless_driver = named("md5", std::string(64, 'a'));
  for (const int type : {CRYPTO_MSG_NEWALG, CRYPTO_MSG_DELALG, CRYPTO_MSG_UPDATEALG, CRYPTO_MSG_GETALG}) {
    SCOPED_TRACE(type);
    EXPECT_EQ(ask(type, bytes_of(named("md5", "")).substr(1)), -EINVAL);
    EXPECT_EQ(ask(type, ""), -EINVAL);
    EXPECT_EQ(ask(type, endless), -EINVAL);
    EXPECT_EQ(ask(type, endless_driver), -EINVAL);
    EXPECT_EQ(ask(type, endless, shorter), -ERANGE) << "attributes are read first";
  }
  EXPECT_EQ(ask(CRYPTO_MSG_NEWALG, named("hmac(md5)", ""), priority), -EINVAL);
  EXPECT_EQ(ask(CRYPTO_MSG_UPDATEALG, named("no-such", ""), priority), -EINVAL);
  EXPECT_EQ(ask(CRYPTO_MSG_UPDATEALG, named("no-such", "")), -ENOENT);
  EXPECT_EQ(ask(CRYPTO_MSG_NEWALG, named("", "no-such")), -ENOENT);
  EXPECT_EQ(ask(CRYPTO_MSG_NEWALG, named("", "nosuch(md5)")), -ENOENT);
  EXPECT_EQ(ask(CRYPTO_MSG_NEWALG, named("", "")), -ENOENT);
  EXPECT_TRUE(is_reason(ask(CRYPTO_MSG_NEWALG, named("", "hmac(crc32c-generic)")), -EINVAL));
  EXPECT_TRUE(is_reason(ask(CRYPTO_MSG_NEWALG, named("", "cbc(aes-generic)", kTypeAead, kTypeMask)), -EINVAL));
  EXPECT_EQ(ask(CRYPTO_MSG_GETSTAT, named("md5", "")), kNotSupported);
  EXPECT_EQ(ask(CRYPTO_MSG_GETSTAT, ""), -EINVAL);
  EXPECT_EQ(ask(CRYPTO_MSG_GETSTAT + 1, named("md5", "")), -EINVAL);
}

// The types and masks of what is meant.
TEST_F(AlgAdminTest, FlagsTellWhatIsMeant) {
  bound("hash", "md5-generic");
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, named("md5", "", kTypeShash, kTypeMask)), 0);
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, named("md5", "", kTypeAead, kTypeMask)), -ENOENT);
  EXPECT_EQ(ask(CRYPTO_MSG_GETALG, named("md5", "", 0x800, 0x800)), -ENOENT);
  EXPECT_EQ(ask(CRYPTO_MSG_DELALG, named("", "md5-generic", kTypeAead, kTypeMask)), -ENOENT);
}

TEST_F(AlgAdminTest, ChangesAreAnAdministrators) {
  const pid_t child = fork();
  if (child == 0) {
    if (setresuid(65534, 65534, 65534) != 0) _exit(99);
    netlink_ = Fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_CRYPTO));
    const crypto_user_alg endless = named(std::string(64, 'a'), "");
    for (const int type : {CRYPTO_MSG_NEWALG, CRYPTO_MSG_DELALG, CRYPTO_MSG_UPDATEALG}) {
      if (ask(type, "") != -EINVAL) _exit(1);
      if (ask(type, endless) != -EPERM) _exit(2);
    }
    if (ask(CRYPTO_MSG_DELRNG, "") != -EPERM) _exit(3);
    if (ask(CRYPTO_MSG_GETALG, endless) != -EINVAL) _exit(4);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << WEXITSTATUS(status);
}

}  // namespace
}  // namespace conformance
