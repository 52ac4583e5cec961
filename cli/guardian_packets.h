#ifndef SCOUTLIGHT_CLI_GUARDIAN_PACKETS_H_
#define SCOUTLIGHT_CLI_GUARDIAN_PACKETS_H_

#include <cstddef>
#include <cstdint>

// What a GuardedCommand and its Guardian, which is a copy of the same program, say to each other, a packet each.
namespace scoutlight::cli {

struct GuardianOrder {
  enum class Kind : int32_t {
    kStart,      // Behind it follow the variables to add to the environment, NAME=VALUE, each with a zero behind it.
    kSignal,     // The command gets `signal`.
    kDeadlines,  // It is ended at `term_at`, and by force at `kill_at`, if nothing later is said before.
    kEnd,        // It is ended now, and by force after the grace, or at `kill_at` if that is earlier.
  };
  Kind kind;
  int32_t signal;
  int64_t term_at_ns;  // By the clock that goes on while the machine sleeps.
  int64_t kill_at_ns;
};

struct GuardianReport {
  enum class Kind : int32_t {
    kStarted,
    kNotStarted,  // Because of the system's error `number`.
    kEnded,       // With the wait status `number`.
  };
  Kind kind;
  int32_t number;
  // Of kEnded: a deadline that had passed ended it.
  int32_t was_overdue;
};

// Of an order with what follows.
inline constexpr size_t kOrderBytesMax = 16 << 10;

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_GUARDIAN_PACKETS_H_
