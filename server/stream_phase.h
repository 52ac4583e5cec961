#ifndef SCOUTLIGHT_SERVER_STREAM_PHASE_H_
#define SCOUTLIGHT_SERVER_STREAM_PHASE_H_

#include <atomic>

namespace scoutlight::server {

// Who finishes a stream that reads, answers and reads again, while others may stop it at any time. gRPC takes one Finish(), at a time when
// nothing is being written, and nothing written after it: so while an answer is under way only the one who answers may finish. A read after
// Finish() fails, as any does. Thread-safe; each change also hands on what the stream's last user did with it.
class StreamPhase {
 public:
  // Reading has ended, an answer begins. False: it is finished, so nothing may be written.
  bool BeginAnswer() { return Move(Phase::kReading, Phase::kAnswering); }

  // The answer is written, reading goes on. False: it was stopped meanwhile, and the caller finishes.
  bool EndAnswer() {
    if (Move(Phase::kAnswering, Phase::kReading)) return true;
    phase_.store(Phase::kFinished);
    return false;
  }

  // The answer failed, and the caller, who answers, finishes.
  void AbandonAnswer() { phase_.store(Phase::kFinished); }

  // True: the caller finishes. False: an answer is under way, or it is finished.
  bool FinishReading() { return Move(Phase::kReading, Phase::kFinished); }

  // True: the caller finishes. False: the one who answers will, or it is finished.
  bool Stop() {
    for (;;) {
      if (FinishReading()) return true;
      if (Move(Phase::kAnswering, Phase::kLastAnswer)) return false;
      const Phase phase = phase_.load();
      if (phase == Phase::kLastAnswer || phase == Phase::kFinished) return false;
    }
  }

 private:
  enum class Phase { kReading, kAnswering, kLastAnswer, kFinished };

  bool Move(Phase from, Phase to) { return phase_.compare_exchange_strong(from, to); }

  std::atomic<Phase> phase_{Phase::kReading};
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_STREAM_PHASE_H_
