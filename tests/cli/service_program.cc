// A program as `scoutctl run` runs it: PORT [on-demand]. It listens at a port of 127.0.0.1, at once or from the first SIGUSR1 on, says by
// which process number it goes and which signals it gets, and ends with 7 when SIGTERM comes.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace {

constexpr int kEnded = 7;
constexpr int kFailed = 1;
constexpr int kBacklog = 16;

void Listen(uint16_t port) {
  const int file = socket(AF_INET, SOCK_STREAM, 0);
  const int reuse = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (file < 0 || setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse)) != 0 ||
      bind(file, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 || listen(file, kBacklog) != 0) {
    perror("cannot listen");
    _exit(kFailed);
  }
  puts("listening");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return kFailed;
  const auto port = static_cast<uint16_t>(atoi(argv[1]));
  setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  printf("process %d\n", getpid());
  bool listens = argc < 3 || strcmp(argv[2], "on-demand") != 0;
  if (listens) Listen(port);
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) return kFailed;
    printf("got %s\n", sigabbrev_np(signal));
    if (signal == SIGTERM) return kEnded;
    if (signal == SIGUSR1 && !listens) Listen(port);
    listens = listens || signal == SIGUSR1;
  }
}
