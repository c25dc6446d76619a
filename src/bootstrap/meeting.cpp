// The meeting's thread: accepts connections and hands them to the table.
#include "bootstrap/meeting.hpp"

#include <sys/socket.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <thread>

#include "base/quiet_thread.hpp"
#include "bootstrap/listener.hpp"
#include "bootstrap/meeting_table.hpp"
#include "bootstrap/unique_id.hpp"

namespace tutti {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kMostStrangers = 64;
constexpr std::chrono::milliseconds kPauseWithoutDescriptors{100};

constexpr std::chrono::milliseconds kPauseWithoutPlaces{20};
constexpr const char* kPurpose = "for the ranks to meet";

}  // namespace

class Meeting::Service {
 public:
  Service(Listener listener, const MeetingSecret& secret)
      : address_(listener.address),
        acceptor_(io_),
        pause_(io_),
        table_(io_, secret, [this] { look_around(); }),
        id_(pack(id_of(address_, secret))) {
    acceptor_.assign(protocol(), listener.socket.get());
    listener.socket.release();
    accept_when_ready();
    thread_ = start_quiet_thread("tutti-meeting", [this] { run(); });
  }

  ~Service() {
    io_.stop();
    thread_.join();
  }

  const tuttiUniqueId& id() const noexcept { return id_; }
  bool finished() const noexcept { return finished_.load(std::memory_order_acquire); }

  void report_death(Rank rank, const std::string& sentence) {
    asio::post(io_, [this, rank, sentence] { table_.report_death(rank, sentence); });
  }

 private:
  tcp protocol() const { return address_.family == 6 ? tcp::v6() : tcp::v4(); }

  void run() {
    try {
      io_.run();
    } catch (const std::exception&) {
      // Out of memory, say. The ranks see their connections close when the acceptor and table go.
      acceptor_.close(ignored_);
      table_.abandon();
    }
    finished_.store(true, std::memory_order_release);  // pairs with finished()
  }

  void accept_when_ready() {
    if (accepting_ || !acceptor_.is_open()) return;
    accepting_ = true;
    acceptor_.async_wait(tcp::acceptor::wait_read, [this](error_code error) {
      accepting_ = false;
      if (!error) accept_all();
    });
  }

  void accept_all() {
    while (table_.strangers() < kMostStrangers || table_.make_room()) {
      const int fd =
          ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd < 0) {
        const bool shortage =
            errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        return shortage ? accept_after(kPauseWithoutDescriptors) : accept_when_ready();
      }
      tcp::socket socket(io_);
      socket.assign(protocol(), fd);
      table_.welcome(std::move(socket));
    }
    accept_after(kPauseWithoutPlaces);
  }

  void accept_after(std::chrono::milliseconds pause) {
    if (accepting_ || !acceptor_.is_open()) return;
    accepting_ = true;
    pause_.expires_after(pause);
    pause_.async_wait([this](error_code error) {
      accepting_ = false;
      if (!error) accept_all();
    });
  }

  void look_around() {
    if (table_.complete()) {
      acceptor_.close(ignored_);  // nothing is left to wait for: run() returns
      pause_.cancel();
    } else {
      accept_when_ready();
    }
  }

  asio::io_context io_{1};
  const SocketAddress address_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  MeetingTable table_;
  const tuttiUniqueId id_;
  bool accepting_ = false;
  error_code ignored_;
  std::atomic<bool> finished_{false};
  std::thread thread_;
};

Meeting::Meeting(const MeetingPlace& place)
    : service_(std::make_unique<Service>(listen_at(place.address, kPurpose), place.secret)) {}
Meeting::Meeting()
    : service_(std::make_unique<Service>(listen_on_loopback(kPurpose), make_secret())) {}
Meeting::~Meeting() = default;
const tuttiUniqueId& Meeting::id() const noexcept { return service_->id(); }
bool Meeting::finished() const noexcept { return service_->finished(); }
void Meeting::report_death(Rank rank, const std::string& sentence) {
  service_->report_death(rank, sentence);
}

}  // namespace tutti
