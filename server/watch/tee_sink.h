#ifndef SCOUTLIGHT_SERVER_WATCH_TEE_SINK_H_
#define SCOUTLIGHT_SERVER_WATCH_TEE_SINK_H_

#include <memory>
#include <utility>

#include "storage/store.h"

namespace scoutlight::server {

// Shows everything to two sinks, one after the other. A store has one sink.
class TeeSink final : public storage::Sink {
 public:
  TeeSink(std::shared_ptr<storage::Sink> first, std::shared_ptr<storage::Sink> second)
      : first_(std::move(first)), second_(std::move(second)) {}

  void OnBatch(std::shared_ptr<const Batch> batch) override {
    first_->OnBatch(batch);
    second_->OnBatch(std::move(batch));
  }
  void OnProgress(Revision revision) override {
    first_->OnProgress(revision);
    second_->OnProgress(revision);
  }
  void OnGap(Revision oldest) override {
    first_->OnGap(oldest);
    second_->OnGap(oldest);
  }
  void OnStale() override {
    first_->OnStale();
    second_->OnStale();
  }
  void OnFresh() override {
    first_->OnFresh();
    second_->OnFresh();
  }

 private:
  const std::shared_ptr<storage::Sink> first_;
  const std::shared_ptr<storage::Sink> second_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_WATCH_TEE_SINK_H_
