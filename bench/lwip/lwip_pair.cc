#include "bench/lwip/lwip_pair.hh"

#include <lwip/init.h>
#include <lwip/ip4.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>

#include <algorithm>
#include <deque>
#include <stdexcept>

namespace lxnet::bench {
namespace {

void require_ok(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(std::string("lwIP: ") + what);
}

// One end of the link: what lwIP sends through it waits for the other.
struct Port {
  netif interface {};
  std::deque<pbuf*> sent;
};

err_t output(netif* interface, pbuf* packet, const ip4_addr_t*) {
  pbuf* copy = pbuf_clone(PBUF_LINK, PBUF_RAM, packet);
  if (copy == nullptr) return ERR_MEM;
  static_cast<Port*>(interface->state)->sent.push_back(copy);
  return ERR_OK;
}
err_t set_up(netif* interface) {
  interface->output = &output;
  interface->mtu = 1500;
  return ERR_OK;
}

class End {
 public:
  void adopt(tcp_pcb* pcb) {
    pcb_ = pcb;
    tcp_nagle_disable(pcb_);
    tcp_arg(pcb_, this);
    tcp_recv(pcb_, [](void* self, tcp_pcb*, pbuf* data, err_t) {
      if (data != nullptr) static_cast<End*>(self)->received_.push_back(data);
      return err_t{ERR_OK};
    });
  }
  tcp_pcb* pcb() { return pcb_; }
  // What the send buffer takes.
  size_t send(const uint8_t* data, size_t size) {
    const size_t room = std::min<size_t>(size, tcp_sndbuf(pcb_));
    if (room == 0 || tcp_write(pcb_, data, static_cast<u16_t>(room), TCP_WRITE_FLAG_COPY) != ERR_OK) return 0;
    require_ok(tcp_output(pcb_) == ERR_OK, "tcp_output");
    return room;
  }
  size_t receive(uint8_t* data, size_t size) {
    size_t done = 0;
    while (done < size && !received_.empty()) {
      pbuf* front = received_.front();
      const auto piece = static_cast<u16_t>(std::min<size_t>(size - done, front->tot_len - consumed_));
      pbuf_copy_partial(front, data + done, piece, consumed_);
      done += piece;
      consumed_ = static_cast<u16_t>(consumed_ + piece);
      if (consumed_ != front->tot_len) break;
      received_.pop_front();
      consumed_ = 0;
      pbuf_free(front);
    }
    if (done != 0) tcp_recved(pcb_, static_cast<u16_t>(done));
    return done;
  }
  void close() {
    for (pbuf* data : received_) pbuf_free(data);
    received_.clear();
    consumed_ = 0;
    tcp_recv(pcb_, nullptr);
    require_ok(tcp_close(pcb_) == ERR_OK, "tcp_close");
  }

 private:
  tcp_pcb* pcb_ = nullptr;
  std::deque<pbuf*> received_;
  u16_t consumed_ = 0;  // of the front
};

class Pair final : public LwipPair {
 public:
  Pair() {
    static const bool is_initialised = [] {
      lwip_init();
      return true;
    }();
    static_cast<void>(is_initialised);
    // The interface added last is asked first for a route; both ends name theirs, so neither packet is taken for its own.
    add(server_port_, 2);
    add(client_port_, 1);
    tcp_pcb* pcb = tcp_new();
    require_ok(pcb != nullptr && tcp_bind(pcb, IP_ADDR_ANY, kPort) == ERR_OK, "tcp_bind");
    tcp_bind_netif(pcb, &server_port_.interface);
    listener_ = tcp_listen(pcb);
    require_ok(listener_ != nullptr, "tcp_listen");
    tcp_arg(listener_, this);
    tcp_accept(listener_, [](void* self, tcp_pcb* accepted, err_t) {
      static_cast<Pair*>(self)->accepted_ = accepted;
      return err_t{ERR_OK};
    });
  }
  ~Pair() override {
    tcp_close(listener_);
    netif_remove(&client_port_.interface);
    netif_remove(&server_port_.interface);
  }

  void connect() override {
    tcp_pcb* pcb = tcp_new();
    require_ok(pcb != nullptr, "tcp_new");
    tcp_bind_netif(pcb, &client_port_.interface);
    client_.adopt(pcb);
    accepted_ = nullptr;
    ip_addr_t server;
    IP_ADDR4(&server, 10, 0, 0, 2);
    require_ok(tcp_connect(pcb, &server, kPort, [](void*, tcp_pcb*, err_t) { return err_t{ERR_OK}; }) == ERR_OK, "tcp_connect");
    drain();
    require_ok(accepted_ != nullptr && pcb->state == ESTABLISHED, "no connection");
    server_.adopt(accepted_);
  }
  void close() override {
    client_.close();
    drain();
    server_.close();
    drain();
    while (tcp_tw_pcbs != nullptr) tcp_abort(tcp_tw_pcbs);
  }
  void client_sends(const uint8_t* data, size_t size) override {
    require_ok(client_.send(data, size) == size, "a send failed");
    drain();
  }
  void server_sends(const uint8_t* data, size_t size) override {
    require_ok(server_.send(data, size) == size, "a send failed");
    drain();
  }
  size_t client_receives(uint8_t* data, size_t size) override { return client_.receive(data, size); }
  size_t server_receives(uint8_t* data, size_t size) override { return server_.receive(data, size); }
  void stream(const uint8_t* from, uint8_t* to, size_t size) override {
    size_t sent = 0, received = 0;
    while (received < size) {
      if (sent < size) sent += client_.send(from + sent, size - sent);
      drain();
      received += server_.receive(to + received, size - received);
      drain();
    }
  }

 private:
  static constexpr u16_t kPort = 80;

  static void add(Port& port, u8_t host) {
    ip4_addr_t address, mask, gateway;
    IP4_ADDR(&address, 10, 0, 0, host);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 0, 0, 0, 0);
    require_ok(netif_add(&port.interface, &address, &mask, &gateway, &port, &set_up, &ip4_input) != nullptr, "netif_add");
    netif_set_up(&port.interface);
    netif_set_link_up(&port.interface);
  }
  static void deliver(Port& from, Port& to) {
    while (!from.sent.empty()) {
      pbuf* packet = from.sent.front();
      from.sent.pop_front();
      if (to.interface.input(packet, &to.interface) != ERR_OK) pbuf_free(packet);
    }
  }
  void drain() {
    while (!client_port_.sent.empty() || !server_port_.sent.empty()) {
      deliver(client_port_, server_port_);
      deliver(server_port_, client_port_);
    }
  }

  Port client_port_, server_port_;
  tcp_pcb* listener_ = nullptr;
  tcp_pcb* accepted_ = nullptr;
  End client_, server_;
};

}  // namespace

bool LwipPair::is_available() { return true; }
std::unique_ptr<LwipPair> LwipPair::create() { return std::make_unique<Pair>(); }

}  // namespace lxnet::bench
