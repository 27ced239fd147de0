// TcpSocket: one TCP connection, or one listener, behind the Socket interface.
//
// The class holds the connection's state; what it does stands in files named for it, in the order of this header. Everything
// below "owned" runs with the socket's lock owned, by a task or by the packet path. A connection counts a reference to itself
// from the first SYN until it is closed, so that it outlives its descriptors.
#pragma once

#include "base/relaxed.hh"
#include "hal/timer.hh"
#include "stack/demux_entry.hh"
#include "stack/port_hooks.hh"
#include "stack/route/route.hh"
#include "stack/route/route_metrics.hh"
#include "stack/socket.hh"
#include "stack/socket_lock.hh"
#include "stack/tcp/congestion/congestion_control.hh"
#include "stack/tcp/connection_state.hh"
#include "stack/tcp/deadlines.hh"
#include "stack/tcp/out_of_order_queue.hh"
#include "stack/tcp/outgoing_segment.hh"
#include "stack/tcp/peer_cache.hh"
#include "stack/tcp/rare_parts.hh"
#include "stack/tcp/recovery/recovery_state.hh"
#include "stack/tcp/rtt_estimator.hh"
#include "stack/tcp/segment.hh"
#include "stack/tcp/send_queue.hh"
#include "stack/tcp/socket_options.hh"
#include "stack/tcp/socket_terms.hh"
#include "stack/tcp/state.hh"
#include "stack/tcp/statistics.hh"
#include "stack/tcp/time_wait.hh"
#include "stack/tcp/verdict.hh"

namespace lxnet {

struct Md5Key;
class Listener;
struct TcpInfo;

class TcpSocket final : public Socket, private TcpSocketTerms {
 public:
  static Result<Ref<TcpSocket>> create(Stack& stack, IpFamily family);

  // ---- Socket (api.cc, api_send.cc, api_receive.cc, api_names.cc)
  Result<> bind(Entry& entry, const Endpoint& local) override;
  Result<> connect(Entry& entry, const Endpoint& remote, uint32_t flags) override;
  Result<bool> connect_by_state(Entry& entry) override;
  // SO_PEERNAME: remote_name() also of a connection that is over or not yet there.
  Result<Endpoint> last_remote_name(Entry& entry);
  bool has_port(Entry& entry);  // Linux's inet_num is not zero
  Result<> check_before_control(Entry& entry, const SendRequest& request) override;
  Result<> disconnect(Entry& entry) override;
  // How often a connection was taken away from its users (Linux's sk_disconnects). Who waited meanwhile waits for nothing: EPIPE.
  uint8_t disconnects() const { return disconnects_; }
  Result<> listen(Entry& entry, int backlog) override;
  Result<Ref<Socket>> accept(Entry& entry) override;
  Result<size_t> send(Entry& entry, SendRequest& request) override;
  Result<size_t> receive(Entry& entry, ReceiveRequest& request) override;
  Result<> shutdown(Entry& entry, ShutdownHow how) override;
  PollEvents poll(Entry& entry) override;
  void close(Entry& entry) override;
  void abandon(Entry& entry) override;
  Result<Endpoint> local_name(Entry& entry) override;
  Result<Endpoint> remote_name(Entry& entry) override;
  Result<int> bytes_readable(Entry& entry) override;
  Result<int> bytes_unsent(Entry& entry) override;
  SocketMemory memory(Entry& entry) override;
  void keep_alive_changed(Entry& entry) override;
  Arrival arrival() const override { return arrival_; }
  int64_t* last_stamp() override;
  // ---- reports.cc: the error queue, and what else options ask
  Result<uint32_t> path_mtu(Entry& entry) override;
  void headers_changed(Entry& entry) override;
  void doubt_route(Entry& entry) override;
  void forget_route(Entry& entry) override;
  Result<> set_group_program(Entry& entry, Ref<BpfProgram> program) override;
  Result<> start_timestamp_keys(Entry& entry, KeyBase base) override;
  Result<> prepare_error_queue() override;
  void queue_error(Ref<Packet> payload, const ExtendedError& error, const Endpoint& destination) override;
  void end_zero_copy_call(Entry& entry) override;
  Result<> become_v4(Entry& entry) override;
  // SIOCOUTQNSD, SIOCATMARK.
  Result<int> bytes_not_yet_sent(Entry& entry);
  Result<int> is_at_mark(Entry& entry);
  // A sender with MSG_FASTOPEN stops waiting for the handshake: what of its bytes is on its way. Nothing: nobody waited.
  std::optional<size_t> end_fast_open(Entry& entry);
  // What close() with SO_LINGER waits for: nothing left to send, or no connection.
  bool has_finished_sending() const;
  const Md5Keys* md5_keys() const { return rare() == nullptr ? nullptr : rare()->md5_keys; }  // owned

  // ---- packet path: finds the owner and comes back through receive_owned()
  void receive_packet(Entry& entry, Ref<Packet> packet);
  void receive_error(Entry& entry, const IpError& error);
  Errno take_soft_error(Entry& entry) override;
  static const SocketWork kWork;

  TcpState state() const { return TcpState{__atomic_load_n(&state_bits_, __ATOMIC_RELAXED)}; }
  SocketLock& lock() { return lock_; }
  // Who created it, for what only one user's sockets may share.
  void remember_creator();
  OptionSet<TcpSocketOptions> tcp_options{kDefaultTcpOptions};

 private:
  friend class Listener;
  friend class TcpTimeWait;
  friend class SynRequest;
  friend struct TcpTestAccess;
  friend class TcpOptionCalls;
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);

  static const TimerOwner kTimerOwner;

  TcpSocket(Stack& stack, IpFamily family);
  ~TcpSocket() override;
  void destroy_self() override;

  // ================================ owned ================================

  // ---- names.cc: demux_ is where both ends' names are
  Endpoint local_end() const { return {.address = demux_.local, .port = demux_.local_port, .scope_id = 0}; }
  Endpoint remote_end() const { return {.address = demux_.remote, .port = demux_.remote_port, .scope_id = remote_scope_}; }
  Endpoint nobody() const { return {.address = IpAddress::any(family()), .port = 0, .scope_id = 0}; }
  void set_local(const IpAddress& local);
  void set_remote(const Endpoint& remote);
  Result<> check_bind_address(const Endpoint& local);
  void fill_claim();
  Result<> claim_port(Entry& entry, uint16_t port);
  void release_port();

  // ---- state.cc: the one place where the state changes, and how a connection ends
  void enter(Entry& entry, TcpState next);
  bool in(TcpStates states) const { return states.contain(state()); }
  void finish(Entry& entry);  // CLOSED: timers, tables, queues; and everybody is told
  void finish_untold(Entry& entry);
  void abort_with(Entry& entry, Errno error);  // the same, and the user learns why
  void become_time_wait(Entry& entry, TcpState kind, Duration life);
  void leave_tables();
  void describe(TcpTimeWait& time_wait) const;
  void hold_self();
  void release_self();
  // Data and space are for one exclusive waiter; a new state is everybody's, and `told` says which SIGIO is sent with it.
  void wake(PollEvents events) { wait_queue().wake(events); }
  void wake_for_state(PollEvents told) { wait_queue().wake_all(told | kPollKeyless); }

  // ---- connect.cc
  Result<> start_connect(Entry& entry, const Endpoint& remote, Opening opening);
  Result<> send_first_syn(Entry& entry, Opening opening);
  Result<> check_may_send();
  // A port is held. One that was let go is still shown by getsockname(), as Linux's inet_sport is.
  bool holds_port() const { return is_bound_port_ || claim_.is_claimed; }
  Result<bool> connect_by_state_owned(Entry& entry);
  Result<> finish_connect(Entry& entry);
  NegotiatedOptions offered_options() const;
  // What the route says; from the route's source, where the socket has none.
  RouteMetrics route_metrics() const;
  void prepare_to_connect(Entry& entry, const ReusedFlow& reused);
  void disconnect_owned(Entry& entry);
  void count_disconnect() { disconnects_ = static_cast<uint8_t>(disconnects_ + 1); }
  void end_connection(Entry& entry);  // the same, and nobody is told yet
  void reset_connection_state();
  Result<> claim_flow(Entry& entry, ReusedFlow& reused);  // from a TIME_WAIT, if it was one's
  void fill_demux();
  uint64_t peer_flow_hash();
  void prepare_sizes(const Route& route, const RouteMetrics& metrics, uint32_t filled_by = 0, bool have_stamps = false);
  void apply_rto_bounds();
  void set_rto_bounds();
  Duration longest_ack_delay() const { return tcp_options->longest_ack_delay(rtt_.min_rto()); }
  FlowKey flow_key() const;
  Result<> look_up_route(Entry& entry);
  FlowKey key_to(const SynRequest& request) const;
  Result<Route> route_to(Entry& entry, const SynRequest& request) const;
  Result<> refresh_route(Entry& entry);
  void initialise_buffers();
  void choose_initial_window(const RouteMetrics& metrics, uint32_t segment);

  // ---- passive.cc
  Result<> start_listening(Entry& entry);
  void stop_listening(Entry& entry);
  void describe_listener(TcpInfo& info) const;
  RouteMetrics metrics_to(const SynRequest& request) const;
  uint32_t mark_for(const TcpSegment& segment) const;
  Route fill_request(Entry& entry, SynRequest& request, const TcpSegment& segment);
  Route choose_request_window(Entry& entry, SynRequest& request, uint32_t segment);
  Result<Ref<TcpSocket>> create_child(Entry& entry, SynRequest& request, const TcpSegment& segment);
  Result<> inherit_options(const TcpSocket& listener);
  void inherit_handshake(Entry& entry, const SynRequest& request, const TcpSegment& segment);
  Result<> open_passively(Entry& entry, TcpSocket& listener, SynRequest& request, const TcpSegment& segment);
  Result<> join_tables(TcpSocket& listener, SynRequest& request);

  // ---- fast_open/client.cc, fast_open/server.cc: RFC 7413
  FastOpenPlan plan_fast_open(Entry& entry);
  SendRecord* fill_syn(IoSource& source, uint32_t known_mss);
  void send_fast_syn(Entry& entry, IoSource* source);
  bool may_defer_connect(Entry& entry);
  Result<size_t> send_fast_open(Entry& entry, SendRequest& request);
  Result<> begin_fast_open(Entry& entry, SendRequest& request);
  Result<> open_deferred(Entry& entry, IoSource& source);
  size_t end_fast_open();
  bool take_fast_open_answer(Entry& entry, TcpSegment& segment);
  void take_syn_text(TcpSegment& segment);
  void retransmit_without_reduction(Entry& entry);
  void note_fast_open_timeout(Entry& entry, bool has_expired);
  void pause_fast_open(Entry& entry);
  void judge_fast_open(Entry& entry);
  Result<> open_by_syn(Entry& entry, TcpSocket& listener, const Ref<SynRequest>& request, TcpSegment& segment);
  Step check_fast_open(Entry& entry, TcpSegment& segment, Verdict& verdict);
  void confirm_fast_open(Entry& entry);
  void leave_fast_open(Entry& entry);
  void repeat_fast_syn_ack(Entry& entry);
  // Opened by a SYN with a cookie, and not confirmed yet: it may talk all the same.
  bool is_open_early() const { return in(TcpState::SynReceived) && fast_open_request() != nullptr; }
  FastOpenQueue* fast_open_queue() const { return rare() == nullptr ? nullptr : rare()->fast_open_queue.get(); }
  SynRequest* fast_open_request() const { return rare() == nullptr ? nullptr : rare()->fast_open_request.get(); }

  // ---- peer_metrics.cc: RFC 9040
  PeerCache::Pair peer_pair() const;
  void tell_peer_metrics(Entry& entry);
  void use_peer_metrics(Entry& entry);
  bool has_proven_peer(Entry& entry, const SynRequest& request) const;

  // ---- signature/signing.cc: RFC 2385
  const Md5Key* signing_key() const;
  Result<Md5Keys*> make_md5_keys();
  bool accept_signature(Entry& entry, const TcpSegment& segment);
  Result<> inherit_signing_key(const TcpSocket& listener);
  // ---- repair.cc
  void connect_for_repair(Entry& entry);
  Result<size_t> send_for_repair(Entry& entry, SendRequest& request);
  Result<size_t> receive_for_repair(Entry& entry, ReceiveRequest& request);
  Result<size_t> peek_send_queue(ReceiveRequest& request) const;
  Result<size_t> fill_receive_queue(Entry& entry, IoSource& source);
  void end_repair(Entry& entry);

  // ---- memory.cc: the stack's limits
  void account_memory(Entry& entry);
  void account_growth(Entry& entry);
  void schedule_memory(Entry& entry, uint32_t size);
  void take_pages(Entry& entry, uint32_t pages);
  size_t charged_memory() const;
  size_t spare_memory() const;
  bool may_grow(Entry& entry, uint32_t used, int32_t guaranteed) const;
  bool is_under_pressure() const;
  void become_orphan(Entry& entry);
  bool has_too_many_orphans(Entry& entry, unsigned penalty) const;
  bool give_up_for_resources(Entry& entry, bool resets);
  void collapse_receive_queue(Entry& entry);

  // ---- close.cc
  Result<> note_shutdown(Entry& entry, ShutdownHow how);
  void close_owned(Entry& entry);
  bool send_fin_state(Entry& entry);  // RFC 9293 3.10.4: the state after CLOSE; whether a FIN is to be sent
  void send_early_fin(Entry& entry);  // a shutdown() of before the handshake was through
  void settle_orphan(Entry& entry);
  uint64_t discard_unread();

  // ---- api_send.cc, api_receive.cc
  Result<size_t> send_owned(Entry& entry, SendRequest& request);
  void push_full_record(Entry& entry, SendRecord& record);
  SendRecord* open_record(uint32_t most);
  uint32_t record_goal(const SendRequest& request);
  SendQueue::Copied fill_record(SendRecord& record, const SendRequest& request, uint32_t limit);
  void stop_limit(Entry& entry, TcpStatistics::Limit kind);
  Errno stream_error();
  Result<size_t> nothing_to_read();
  Result<size_t> receive_owned_bytes(Entry& entry, ReceiveRequest& request);
  uint32_t limit_at_mark(SeqNum position, uint32_t size, uint32_t& skip) const;
  void consume_to(SeqNum position);
  int readable_now() const;

  // ---- input.cc: RFC 9293, 3.10.7
  void receive_owned(Entry& entry, Ref<Packet> packet);
  static void receive_late(Entry& entry, SocketLock& lock, Ref<Packet> packet);
  static void end_late_work(Entry& entry, SocketLock& lock);
  void segment_arrives(Entry& entry, TcpSegment& segment);
  bool accept_fast(Entry& entry, TcpSegment& segment, Verdict& verdict);
  void carry_out(Entry& entry, TcpSegment& segment, Verdict& verdict);
  void arrive_in_syn_sent(Entry& entry, TcpSegment& segment, Verdict& verdict);
  void arrive_synchronized(Entry& entry, TcpSegment& segment, Verdict& verdict);
  Step check_sequence(Entry& entry, TcpSegment& segment, Verdict& verdict);
  bool is_reset_after_fin(const TcpSegment& segment) const;
  Step check_reset(Entry& entry, TcpSegment& segment, Verdict& verdict);
  Step check_syn(Entry& entry, TcpSegment& segment, Verdict& verdict);
  Step challenge_syn(Entry& entry, Verdict& verdict);
  Step check_ack(Entry& entry, TcpSegment& segment, Verdict& verdict);
  Step check_urgent(Entry& entry, TcpSegment& segment, Verdict& verdict);
  Step process_text(Entry& entry, TcpSegment& segment, Verdict& verdict);

  // ---- input_handshake.cc
  Step check_syn_sent_ack(TcpSegment& segment, Verdict& verdict);
  void learn_syn_options(const TcpSegment& segment, Instant now);
  void take_stamps_off_segment();
  void become_established(Entry& entry, Verdict& verdict);
  void confirm_establishment(Entry& entry, Verdict& verdict);
  void initialise_transfer(Entry& entry);
  void guess_segment_size();
  void answer_simultaneous_open(Entry& entry, TcpSegment& segment, Verdict& verdict);
  Step advance_close(Entry& entry, TcpSegment& segment, Verdict& verdict);
  void take_fin(Entry& entry, Verdict& verdict);
  void reset_by_peer(Entry& entry, Verdict& verdict);
  // ---- reports.cc
  using Outgoing = OutgoingSegment;
  Result<size_t> receive_report(ReceiveRequest& request);
  size_t room_for_errors() const;
  void want_stamps(SendRecord& record, const SendRequest& request);
  void stamp_packet(Packet& packet, const Outgoing& out);
  void report_stamps_sent(const Outgoing& out);
  void report_stamp_acked(const SendRecord& record, SeqNum prior_una);
  void report_own_stamp(uint8_t stamp, SeqNum at, Ref<Packet> payload);
  bool has_reports() const;
  void report_zero_copy(uint32_t first, uint32_t count);
  void report_zero_copies();
  Ref<StickyHeaders> sticky_headers() const;
  uint32_t sticky_size() const;
  // ---- timestamps.cc: RFC 7323
  uint32_t timestamp_at(InstantInMillis when) const { return when.count() + timestamp_offset_; }
  bool fails_paws(const TcpSegment& segment, Instant now) const;
  bool is_reordered_ack(const TcpSegment& segment) const;
  void store_timestamp(const TcpSegment& segment, Instant now);
  // ---- ack.cc, ack_clean.cc: the ACK field
  bool accept_ack(Entry& entry, TcpSegment& segment, Verdict& verdict, bool is_fast);
  bool update_window(Entry& entry, const TcpSegment& segment, const AckEffects& effects);
  void count_delivered(Entry& entry, const AckEffects& effects);
  void advance_una(Entry& entry, SeqNum ack);
  void clean_sent(Entry& entry, AckEffects& effects);
  void account_acked(Entry& entry, SendRecord& record, AckEffects& effects);
  void update_rtt(Entry& entry, AckEffects& effects, const TcpSegment& segment);
  void resend_after_ack(Entry& entry, Resend resend);
  void set_retransmit_timer(Entry& entry);
  // ---- recovery/*.cc
  void mark_by_sack(Entry& entry, const TcpSegment& segment, AckEffects& effects);
  bool check_dsack(Entry& entry, const TcpSegment& segment, AckEffects& effects);
  void count_useless_dsack(Entry& entry, const SackBlock& block);
  SendRecord* walk_block(Entry&, SendRecord*, const SackBlock&, Duplicate duplicate, const SackBlock* inner, AckEffects&);
  SendRecord* join_to_sacked(Entry&, SendRecord&, const SackBlock&, Duplicate duplicate, AckEffects& effects);
  void mark_sacked(Entry& entry, SendRecord& record, Duplicate duplicate, AckEffects& effects);
  void mark_lost(Entry& entry, SendRecord& record);
  void check_reneging(Entry& entry, AckEffects& effects);
  void react(Entry& entry, AckEffects& effects, Resend& resend);  // the state machine of loss recovery
  void enter_recovery(Entry& entry, bool ece);
  void enter_cwr(Entry& entry);
  void enter_loss(Entry& entry);
  bool leave_state(Entry& entry);
  void try_to_open(Entry& entry, const AckEffects& effects);
  void identify_losses(Entry& entry, AckEffects& effects);
  uint32_t current_threshold() const;
  void set_loss_state(Entry& entry, LossState state);
  void process_loss_state(Entry& entry, AckEffects& effects, Resend& resend);
  bool undo_recovery(Entry& entry);
  bool undo_partial(Entry& entry, AckEffects& effects);
  bool undo_dsack(Entry& entry);
  bool undo_loss(Entry& entry, bool frto_undo);
  void undo_window(Entry& entry, UnmarkLost unmark);
  bool may_undo() const;
  bool was_delayed() const;
  bool echoes_before(InstantInMillis when) const;
  bool has_retransmitted() const;
  void forget_retransmit_time();
  void start_undo();
  void keep_open(Entry& entry);
  void add_reno_sack(Entry& entry, AckEffects& effects);
  bool bound_duplicates();
  void check_reno_reordering(Entry& entry, uint32_t acked);
  void remove_reno_sacks(Entry& entry, uint32_t acked);
  void reset_reno_sacks();
  void note_reordering(Entry& entry, SeqNum low, ReorderingBy by = ReorderingBy::Sack);
  void start_window_reduction();
  void reduce_window(uint32_t newly_delivered, uint32_t newly_lost, const AckEffects& effects);
  void end_window_reduction(Entry& entry);
  void control_congestion(Entry& entry, const AckEffects& effects, RateSample& sample);
  bool detect_losses(Entry& entry);  // RACK
  Duration rack_window() const;
  void advance_rack(const SendRecord& record, Instant now);
  void adapt_rack_window(const RateSample& sample);
  bool schedule_loss_probe(Entry& entry, TimeoutFrom from);
  void send_loss_probe(Entry& entry);
  void process_loss_probe_ack(Entry& entry, const AckEffects& effects, SeqNum ack);
  void retransmit_lost(Entry& entry);
  bool retransmit_record(Entry& entry, SendRecord& record, uint32_t segments);
  bool send_record_again(Entry& entry, SendRecord& record, uint32_t segments);
  void count_recut(const SendRecord& record, uint32_t before, uint32_t now);
  void recount_segments(SendRecord& record, uint32_t mss);
  void join_small(SendRecord& record, uint32_t space);
  bool split_sent(SendRecord& record, uint32_t size, uint32_t mss);
  CongestionFacts congestion_facts(Instant now) const;
  void note_delivered(const SendRecord& record, RateSample& sample);
  void finish_rate_sample(Entry& entry, const AckEffects& effects, RateSample& sample);
  // ---- output.cc: what leaves
  void push_pending(Entry& entry, Nagle nagle);
  bool write_pending(Entry& entry, Nagle nagle, uint32_t limit = ~0u);
  bool send_record(Entry& entry, SendRecord& record, uint32_t mss);
  bool send_cut_record(Entry& entry, SendRecord& record);
  bool may_send(const SendRecord& record, Nagle nagle, bool is_last) const;
  uint32_t bytes_to_send(const SendRecord& record, uint32_t mss, uint32_t quota, Nagle nagle, bool is_last) const;
  uint32_t segments_at_once(uint32_t mss) const;
  bool should_defer(Entry& entry, const SendRecord& record, uint32_t at_once, SendLimits& limits) const;
  bool holds_back_partial(Nagle nagle) const;
  void note_application_limit();
  void stamp_sent(SendRecord& record, Instant now);
  void pace(Entry& entry, uint32_t size);
  void validate_window(Entry& entry, bool was_limited);
  void give_back_window(Entry& entry);
  void after_idle(Entry& entry);
  Result<> queue_fin(Entry& entry);
  uint32_t current_mss();
  void update_mss(Entry& entry, uint32_t path_mtu);
  static uint16_t largest_segment(uint32_t path_mtu, const IpAddress& peer);  // without options, as the MSS option has it
  void queue_opening_error(const IpError& error);
  bool is_paced(Instant now) const { return pacing_until_ > now; }
  bool wants_pacing() const { return congestion_.wants_pacing || options->max_pacing_rate != ~uint64_t{0}; }
  void update_pacing_rate();
  // ---- transmit.cc: one segment
  bool transmit(Entry& entry, const Outgoing& out);
  bool join_turned(Entry& entry, const Outgoing& out);
  TcpSegmentHeader header_of(const Outgoing& out) const;
  bool is_plain(const Outgoing& out) const;
  Result<> transmit_plain(Entry& entry, const Outgoing& out, Ref<Packet> packet);
  Result<> transmit_any(Entry& entry, const Outgoing& out, Ref<Packet> packet);
  void note_transmitted(Entry& entry, const Outgoing& out);
  TcpOptions options_for(Entry& entry, const Outgoing& out, uint16_t& window);
  void send_ack(Entry& entry);
  void send_ack_with(Entry& entry, SeqNum seq);
  void send_duplicate_ack(Entry& entry, SackBlock dsack);
  void send_reset(Entry& entry);
  void send_syn(Entry& entry);
  void challenge(Entry& entry);
  bool has_answered_within(Entry& entry, Duration interval) const;
  bool may_answer_out_of_window(Entry& entry, const TcpSegment& segment, const Verdict& verdict);
  void answer_old_segment(Entry& entry, const TcpSegment& segment);
  // ---- window.cc, receive.cc: what arrives
  uint32_t buffer_to_window(uint64_t space) const;
  uint32_t free_window() const;
  uint32_t full_window() const;
  uint32_t propose_window();
  uint16_t select_window(Entry& entry);
  bool may_shrink_window() const;
  uint32_t propose_any_window(uint32_t free, uint32_t full, uint32_t mss);
  void measure_segment_size(const TcpSegment& arrived);
  void clamp_window(uint32_t clamp);
  void grow_window_goal(uint32_t cost, uint32_t size);
  void adapt_receive_buffer(Entry& entry);
  void grow_receive_buffer(uint32_t space);
  void measure_receive_rtt(Instant now, SeqNum next);
  void measure_receive_rtt_by_timestamp(const TcpSegment& segment, Instant now);
  void queue_in_order(Entry& entry, TcpSegment& segment, Verdict& verdict, Prediction prediction);
  void queue_out_of_order(Entry& entry, TcpSegment& segment, Verdict& verdict);
  void append_received(Ref<Packet> packet);
  void take_reached(Entry& entry, Verdict& verdict);
  void report_passed(Entry& entry);
  bool make_room(Entry& entry, SeqNum seq);
  void remember_sack(Entry& entry, const TcpSegment& segment);
  void forget_acked_sacks();
  void note_data_event(Entry& entry, const TcpSegment& segment);
  // ---- delayed_ack.cc
  bool is_interactive() const { return ack_.pingpong >= interactive_threshold(); }
  void become_interactive() { ack_.pingpong = interactive_threshold(); }
  uint8_t interactive_threshold() const;  // tcp_pingpong_thresh
  bool in_quick_ack_mode() const { return acks_at_once_ || (ack_.quick != 0 && !is_interactive()); }
  void enter_quick_ack_mode(uint8_t limit);
  void raise_quick_acks(uint8_t limit);
  void note_congestion_mark(const TcpSegment& segment);
  void consider_ack(Entry& entry, const TcpSegment& segment);
  void send_ack_for_all(Entry& entry);
  bool may_compress_ack(Entry& entry);
  void delay_ack(Entry& entry);
  void note_ack_sent(Entry& entry);
  void note_data_sent(Entry& entry);
  void ack_after_read(Entry& entry, size_t copied);
  // ---- urgent.cc
  void note_urgent(const TcpSegment& segment);
  void take_urgent_byte(const TcpSegment& segment);
  Result<size_t> receive_urgent(ReceiveRequest& request);
  // ---- timers.cc
  static void on_timer(Entry& entry, Timer& timer);
  static void run_deferred(Entry& entry, SocketLock& lock, uint32_t bits);
  void run_deadlines(Entry& entry);
  void run_retransmit_timer(Entry& entry);
  void run_ack_timer(Entry& entry);
  void run_keep_alive_timer(Entry& entry);
  void run_pacing_timer(Entry& entry);
  void draw_transmit_hash();
  void try_another_path(Entry& entry);
  void apply_path_mtu(Entry& entry);
  void arm(Deadlines::Kind kind, Instant when);
  void keep_timer_before(Instant when);
  void arm_probe_timer(Entry& entry, ProbeTimer kind, Duration delay);
  void arm_ack_timer(Entry& entry, Duration delay);
  void arm_keep_alive(Entry& entry, Duration delay);
  Duration keep_alive_delay() const;
  void cancel(Deadlines::Kind kind);
  void cancel_timers();
  void time_out(Entry& entry);
  bool has_timed_out(Entry& entry) const;
  bool has_lost_window() const;
  void count_timeout(Entry& entry);
  void count_retransmission(Entry& entry);
  bool has_retried_for(Entry& entry, uint32_t retries) const;
  void probe_zero_window(Entry& entry);
  void send_window_probe(Entry& entry);
  void check_probe_timer(Entry& entry);
  Duration backed_off(Duration base, uint8_t shift) const;
  Duration current_rto() const { return backed_off(rtt_.rto(), recovery_.doublings); }  // Linux's icsk_rto
  // ---- mtu_probe.cc: RFC 4821
  // Null where it is off.
  MtuSearch* mtu_search() { return rare() != nullptr && rare()->mtu_search.is_on ? &rare()->mtu_search : nullptr; }
  void start_mtu_search(Entry& entry);
  uint32_t largest_mtu_of_peer() const;
  void begin_mtu_search(Entry& entry);
  MtuProbe send_mtu_probe(Entry& entry);
  bool has_enough_to_probe(uint32_t segment) const;
  void search_again(Entry& entry);
  void note_mtu_probe_acked(Entry& entry);
  bool note_mtu_probe_lost(Entry& entry);
  void detect_black_hole(Entry& entry);
  void retransmit_smaller(Entry& entry);
  uint32_t option_space() const;
  uint32_t segment_for_mtu(uint32_t mtu) const;
  uint32_t mtu_for_segment(uint32_t segment) const;
  // ---- users of buffers
  bool is_writeable() const;
  bool has_send_room(unsigned doubled = 0) const;
  bool is_readable(int target) const;
  // Bytes the user may read; rcv.nxt counts the peer's FIN too.
  uint32_t unread() const { return rcv_.nxt.bytes_since(rcv_.copied) - uint32_t{saw_fin_}; }
  void announce_space(Entry& entry);
  uint32_t receive_charge() const;
  void expand_send_buffer();

  // Null for nearly all. Options make it without owning the socket: whoever is first.
  RareParts* rare() const { return __atomic_load_n(&rare_, __ATOMIC_ACQUIRE); }
  RareParts* make_rare();  // null without memory
  ErrorQueue* error_queue() const { return rare() == nullptr ? nullptr : __atomic_load_n(&rare()->errors, __ATOMIC_ACQUIRE); }

  // ================================ data ================================

  SocketLock lock_;
  uint16_t state_bits_ = static_cast<uint16_t>(TcpState::Closed);  // written by the owner, read by anybody
  Errno soft_error_{};
  Phase phase_ = Phase::Unconnected;
  ProbeTimer probe_timer_kind_ = ProbeTimer::None;
  uint8_t shutdown_ = 0;
  uint8_t sack_count_ = 0;  // of out_of_order_.sacks()
  Relaxed<uint8_t> disconnects_ = 0;
  bool is_orphan_ : 1 = false;  // no descriptor is left
  bool is_counted_orphan_ : 1 = false;
  bool is_bound_address_ : 1 = false, is_bound_port_ : 1 = false;  // by the user's bind()
  bool saw_fin_ : 1 = false;                                       // Linux's SOCK_DONE: reads end here
  bool holds_self_ : 1 = false;
  bool wants_space_ : 1 = false;  // somebody was told that there was none
  bool has_dsack_ : 1 = false;
  bool ecn_echo_ : 1 = false;  // RFC 3168: ECE on every segment until CWR comes
  bool ecn_cwr_pending_ : 1 = false;
  bool ecn_ce_seen_ : 1 = false;
  bool acks_at_once_ : 1 = false;  // the route says so
  RepairState repair_;
  NegotiatedOptions negotiated_;
  uint16_t initial_window_ = CongestionState::kInitialWindow;
  Arrival arrival_;
  uint32_t memory_pages_ = 0;     // of the buffers, as the stack's limit counts them
  uint32_t transmit_hash_ = 0;    // what a network that spreads flows sees of this one: SO_TXREHASH
  uint32_t remote_scope_ = 0;     // of demux_.remote
  uint64_t peer_flow_hash_ = 0;   // the peer's place in the tables, where that is on this host; 0: not asked yet
  Listener* listener_ = nullptr;  // in LISTEN
  RareParts* rare_ = nullptr;     // owned, through rare() and make_rare()
  ListLink accept_link_;          // Listener: the accept queue
  PacketQueue receive_queue_;
  uint32_t receive_charge_ = 0;  // of receive_queue_
  FastOpenState fast_open_;
  DemuxEntry demux_;  // whole cache lines: what stands before it fills one (memory.cc asserts it)
  PortClaim claim_;
  Route route_;
  SendState snd_;
  ReceiveState rcv_;
  UrgentState urgent_;
  AckState ack_;
  ReceiveAutotune autotune_;
  RttEstimator rtt_;
  RecoveryState recovery_;
  CongestionState congestion_;
  SendQueue send_queue_;
  OutOfOrderQueue out_of_order_;
  SackBlock dsack_;
  uint32_t timestamp_offset_ = 0;
  InstantInMillis out_of_window_answered_at_;
  InstantInMillis first_syn_at_;
  TcpStatistics statistics_;
  Deadlines deadlines_;
  Timer timer_;
  Instant pacing_until_;
  Instant last_left_at_;   // when anything last left
  Instant first_sent_at_;  // of the delivery-rate sample under way
};

}  // namespace lxnet
