// Whose options a connection has that was accepted: its listener's of that moment, shared with those accepted beside it.
#include "tests/stack/tcp/tcp_host.hh"
#include "tests/support/own_options.hh"

namespace lxnet::testing {
namespace {

class InheritedOptions : public ::testing::Test {
 protected:
  InheritedOptions() {
    EXPECT_EQ(host_.bind(*listener_, "127.0.0.1", 80), Errno{});
    EXPECT_EQ(host_.listen(*listener_, 8), Errno{});
  }
  void TearDown() override {
    for (Ref<TcpSocket>& socket : open_) host_.close(socket);
    host_.close(listener_);
  }
  // A connection through the listener, as it came out there; null: none did.
  TcpSocket* accept() {
    Ref<TcpSocket> client = host_.socket();
    EXPECT_EQ(host_.connect(*client, "127.0.0.1", 80), Errno::EINPROGRESS);
    open_.push_back(std::move(client));
    Ref<TcpSocket> server = host_.accept(*listener_);
    if (!server) return nullptr;
    open_.push_back(server);
    return server.get();
  }
  TcpSocket& client() { return *open_[open_.size() - 2]; }

  TcpHost host_;
  Ref<TcpSocket> listener_ = host_.socket();
  std::vector<Ref<TcpSocket>> open_;
};

TEST_F(InheritedOptions, AreTheDefaultsOfWhoSetsNone) {
  const TcpSocket& server = *accept();
  EXPECT_TRUE(server.options.shares_with(client().options));
  EXPECT_TRUE(server.ip_options.shares_with(client().ip_options));
  EXPECT_TRUE(server.tcp_options.shares_with(client().tcp_options));
}

TEST_F(InheritedOptions, AreOneCopyForAll) {
  own(*listener_, listener_->options).keep_alive = true;
  own(*listener_, listener_->ip_options).tos = 0x10;
  own(*listener_, listener_->tcp_options).no_delay = true;
  const TcpSocket &first = *accept(), &second = *accept();
  EXPECT_TRUE(first.options->keep_alive);
  EXPECT_EQ(first.ip_options->tos, 0x10);
  EXPECT_TRUE(first.tcp_options->no_delay);
  EXPECT_TRUE(first.options.shares_with(second.options));
  EXPECT_TRUE(first.ip_options.shares_with(second.ip_options));
  EXPECT_TRUE(first.tcp_options.shares_with(second.tcp_options));
  EXPECT_FALSE(first.options.shares_with(listener_->options));
}

TEST_F(InheritedOptions, AreSetForOneSocketAlone) {
  own(*listener_, listener_->options).keep_alive = true;
  TcpSocket &first = *accept(), &second = *accept();
  own(first, first.options).keep_alive = false;
  own(first, first.tcp_options).cork = true;
  EXPECT_TRUE(second.options->keep_alive);
  EXPECT_FALSE(second.tcp_options->cork);
  EXPECT_TRUE(listener_->options->keep_alive);
  own(*listener_, listener_->options).oob_inline = true;
  EXPECT_FALSE(first.options->oob_inline);
  EXPECT_FALSE(second.options->oob_inline);
  const TcpSocket& third = *accept();
  EXPECT_TRUE(third.options->oob_inline);
  EXPECT_TRUE(third.options->keep_alive);
}

TEST_F(InheritedOptions, AreOwnFromTheBeginningWhereTheConnectionChangesThem) {
  own(*listener_, listener_->options).peek_offset = 0;
  own(*listener_, listener_->tcp_options).window_clamp = 5000;
  TcpSocket &first = *accept(), &second = *accept();
  ASSERT_EQ(host_.send(*open_[0], "hello"), 5);
  EXPECT_EQ(host_.receive(first, 3, kMessagePeek), 3);
  EXPECT_EQ(first.options->peek_offset, 3);
  EXPECT_EQ(second.options->peek_offset, 0);
  EXPECT_EQ(listener_->options->peek_offset, 0);
  ASSERT_EQ(host_.receive(first, 5), 5);
  Entry entry(host_.stack());
  ASSERT_TRUE(first.disconnect(entry).is_ok());
  EXPECT_EQ(first.tcp_options->window_clamp, 0u);
  EXPECT_EQ(second.tcp_options->window_clamp, 5000u);
}

// The tunables that a socket begins with are those of when it was made.
TEST_F(InheritedOptions, AreTheListenersAndNotTheTunables) {
  host_.tunables().tcp_rto_min_micros = 50'000;
  const Ref<TcpSocket> later = host_.socket();
  open_.push_back(later);
  EXPECT_EQ(later->tcp_options->min_rto.get(), Duration::millis(50));
  EXPECT_EQ(accept()->tcp_options->min_rto.get(), Duration::millis(200));
}

TEST_F(InheritedOptions, OfTheTypeOfServiceMayBeTheSyns) {
  host_.tunables().tcp_reflect_tos = 1;
  own(*listener_, listener_->ip_options).tos = 0x10;
  EXPECT_EQ(accept()->ip_options->tos, 0);
  EXPECT_EQ(listener_->ip_options->tos, 0x10);
}

TEST_F(InheritedOptions, NeedMemoryOrThereIsNoConnection) {
  own(*listener_, listener_->options).keep_alive = true;
  own(*listener_, listener_->ip_options).ttl = 9;
  own(*listener_, listener_->tcp_options).no_delay = true;
  for (size_t n = 0;; ++n) {
    Ref<TcpSocket> client = host_.socket();
    host_.hal.fail_allocation(n);
    static_cast<void>(host_.connect(*client, "127.0.0.1", 80));
    const bool has_failed = host_.hal.has_failed();
    host_.hal.allow_all_allocations();
    if (Ref<TcpSocket> server = host_.accept(*listener_)) {
      EXPECT_TRUE(server->options->keep_alive);
      EXPECT_EQ(server->ip_options->ttl, 9);
      EXPECT_TRUE(server->tcp_options->no_delay);
      host_.close(server);
    }
    host_.close(client);
    if (!has_failed) break;
    // The next copies are to be made again.
    own(*listener_, listener_->options).busy_poll_micros = static_cast<uint32_t>(n);
    own(*listener_, listener_->ip_options).min_ttl = static_cast<uint8_t>(n % 9);
    own(*listener_, listener_->tcp_options).keep_count = static_cast<uint8_t>(n);
    host_.advance(Duration::seconds(400));
    while (Ref<TcpSocket> late = host_.accept(*listener_)) host_.close(late);
  }
}

}  // namespace
}  // namespace lxnet::testing
