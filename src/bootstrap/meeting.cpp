// The meeting's thread: accepts connections and hands them to the table.
#include "bootstrap/meeting.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <thread>

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "bootstrap/meeting_table.hpp"
#include "bootstrap/unique_id.hpp"

namespace tutti {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kMostStrangers = 64;
constexpr int kBacklog = 4096;  // all ranks may come at once
constexpr std::chrono::milliseconds kPauseWithoutDescriptors{100};

struct ListeningSocket {
  Descriptor descriptor;
  UniqueId id;
};

// Close-on-exec from birth, which Asio's own open() is not. No descriptor, and errno, when it
// fails.
ListeningSocket listen_on_loopback(UniqueId::Family family) {
  const bool v6 = family == UniqueId::kIpv6;
  const int fd = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  Descriptor descriptor(fd);
  sockaddr_in a4{};
  sockaddr_in6 a6{};
  a4.sin_family = AF_INET;
  a4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  a6.sin6_family = AF_INET6;
  a6.sin6_addr = in6addr_loopback;
  auto* address = v6 ? reinterpret_cast<sockaddr*>(&a6) : reinterpret_cast<sockaddr*>(&a4);
  socklen_t size = v6 ? sizeof(a6) : sizeof(a4);
  if (fd < 0 || ::bind(fd, address, size) != 0 || ::listen(fd, kBacklog) != 0 ||
      ::getsockname(fd, address, &size) != 0) {
    const int cause = errno;
    descriptor.close();
    errno = cause;
    return {};
  }
  UniqueId id;
  id.family = family;
  id.port = ntohs(v6 ? a6.sin6_port : a4.sin_port);
  if (v6) {
    std::memcpy(id.address.data(), &a6.sin6_addr, sizeof(a6.sin6_addr));
  } else {
    std::memcpy(id.address.data(), &a4.sin_addr, sizeof(a4.sin_addr));
  }
  return {std::move(descriptor), id};
}

ListeningSocket listen_on_loopback() {
  const auto secret = make_secret();
  ListeningSocket result = listen_on_loopback(UniqueId::kIpv4);
  if (!result.descriptor) result = listen_on_loopback(UniqueId::kIpv6);
  if (!result.descriptor) fail_system("listening on loopback for the ranks to meet");
  result.id.secret = secret;
  return result;
}

}  // namespace

class Meeting::Service {
 public:
  Service()
      : acceptor_(io_),
        pause_(io_),
        table_(io_, listener_.id.secret, [this] { look_around(); }),
        id_(pack(listener_.id)) {
    const bool v6 = listener_.id.family == UniqueId::kIpv6;
    acceptor_.assign(v6 ? tcp::v6() : tcp::v4(), listener_.descriptor.get());
    listener_.descriptor.release();
    accept_when_ready();
    start_thread();
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
  // The application's signals are none of this thread's business.
  void start_thread() {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::system_error& error) {
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      fail(tuttiSystemError, "starting the thread of a meeting: {}", error.what());
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void run() {
    pthread_setname_np(pthread_self(), "tutti-meeting");
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
    while (table_.strangers() < kMostStrangers) {
      const int fd =
          ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd < 0) {
        const bool shortage =
            errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        return shortage ? accept_after_pause() : accept_when_ready();
      }
      tcp::socket socket(io_);
      socket.assign(listener_.id.family == UniqueId::kIpv6 ? tcp::v6() : tcp::v4(), fd);
      table_.welcome(std::move(socket));
    }
    // look_around() goes on once a stranger is known or gone.
  }

  void accept_after_pause() {
    accepting_ = true;
    pause_.expires_after(kPauseWithoutDescriptors);
    pause_.async_wait([this](error_code error) {
      accepting_ = false;
      if (!error) accept_when_ready();
    });
  }

  void look_around() {
    if (table_.complete()) {
      acceptor_.close(ignored_);  // nothing is left to wait for: run() returns
      pause_.cancel();
    } else if (table_.strangers() < kMostStrangers) {
      accept_when_ready();
    }
  }

  asio::io_context io_{1};
  ListeningSocket listener_ = listen_on_loopback();
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  MeetingTable table_;
  const tuttiUniqueId id_;
  bool accepting_ = false;
  error_code ignored_;
  std::atomic<bool> finished_{false};
  std::thread thread_;
};

Meeting::Meeting() : service_(std::make_unique<Service>()) {}
Meeting::~Meeting() = default;
const tuttiUniqueId& Meeting::id() const noexcept { return service_->id(); }
bool Meeting::finished() const noexcept { return service_->finished(); }
void Meeting::report_death(Rank rank, const std::string& sentence) {
  service_->report_death(rank, sentence);
}

}  // namespace tutti
