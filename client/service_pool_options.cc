#include "client/service_pool_options.h"

namespace scoutlight {

Judgement JudgeStatus(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::CANCELLED:
      return Judgement::kNothing;
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::DATA_LOSS:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return Judgement::kAtFault;
    default:
      return Judgement::kWell;
  }
}

}  // namespace scoutlight
