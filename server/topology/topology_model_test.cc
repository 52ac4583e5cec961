// Any sequence of changes, against what they should come to.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "server/topology/topology_service_fixture.h"

namespace scoutlight::server {
namespace {

constexpr int kSteps = 400;
constexpr int kDocuments = 4;

// The versions of one cluster as a plain list; nullopt: a deletion.
struct Model {
  using Document = std::optional<int>;

  std::vector<Document> versions;  // 1 and up.

  int64_t newest() const { return static_cast<int64_t>(versions.size()); }
  Document current() const { return versions.empty() ? std::nullopt : versions.back(); }
  bool Keeps(int64_t version) const { return version >= 1 && version <= newest() && version > newest() - topology::kVersionsMax; }
  std::vector<int64_t> Kept() const {
    std::vector<int64_t> kept;
    for (int64_t version = newest(); Keeps(version); --version) kept.push_back(versions[version - 1].has_value() ? version : -version);
    return kept;
  }
};

class TopologyModelTest : public TopologyServiceTest {
 protected:
  int Draw(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  // Often none, sometimes the right one, sometimes another.
  int64_t DrawExpected() {
    const int kind = Draw(4);
    if (kind < 2) return 0;
    return kind == 2 ? model_.newest() : model_.newest() + 1 - Draw(3);
  }
  bool IsExpected(int64_t expected) const { return expected <= 0 || expected == model_.newest(); }

  // Carries out `wanted` with `request`, and holds the answer against the model. `otherwise`: what the model says of it if the
  // version is as expected.
  template <typename Request, typename Response>
  void Change(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), Request request, Model::Document wanted,
              grpc::StatusCode otherwise) {
    const int64_t expected = DrawExpected();
    request.set_expected_version(std::max<int64_t>(expected, 0));
    Response response;
    const grpc::Status status = Call(method, request, &response);
    if (!IsExpected(expected) && otherwise != grpc::StatusCode::FAILED_PRECONDITION) otherwise = grpc::StatusCode::FAILED_PRECONDITION;
    ASSERT_EQ(status.error_code(), otherwise) << status.error_message() << request.ShortDebugString();
    if (otherwise != grpc::StatusCode::OK) return;
    const bool is_news = model_.current() != wanted;
    if (is_news) model_.versions.push_back(wanted);
    EXPECT_EQ(response.topology().version(), model_.newest());
  }
  void Step() {
    switch (Draw(4)) {
      case 0:
        return Change(&Stub::Delete, wire::DeleteRequest(), std::nullopt, grpc::StatusCode::OK);
      case 1: {
        const int64_t version = std::max<int64_t>(1, model_.newest() + 1 - Draw(topology::kVersionsMax + 3));
        const bool kept = model_.Keeps(version);
        const Model::Document document = kept ? model_.versions[version - 1] : std::nullopt;
        const grpc::StatusCode refused = kept ? grpc::StatusCode::FAILED_PRECONDITION : grpc::StatusCode::NOT_FOUND;
        return Change(&Stub::Rollback, RollbackOf(version), document, document.has_value() ? grpc::StatusCode::OK : refused);
      }
      default: {
        const int document = Draw(kDocuments);
        return Change(&Stub::Apply, ApplyOf(DocumentOf(document + 1)), document, grpc::StatusCode::OK);
      }
    }
  }

  const uint32_t seed_ = 20261127;
  std::mt19937 random_{seed_};
  Model model_;
};

TEST_F(TopologyModelTest, AnySequenceOfChangesComesToWhatItShould) {
  SCOPED_TRACE(seed_);
  for (int step = 0; step < kSteps; ++step) {
    SCOPED_TRACE(step);
    ASSERT_NO_FATAL_FAILURE(Step());
    wire::GetRequest get;
    wire::GetResponse response;
    const grpc::Status status = Call(&Stub::Get, get, &response);
    ASSERT_EQ(status.ok(), model_.current().has_value());
    if (status.ok()) {
      ASSERT_EQ(response.topology().document(), DocumentOf(*model_.current() + 1));
    }
    if (step % 16 == 0) {
      ASSERT_EQ(Versions(), model_.Kept());
    }
  }
  EXPECT_GT(model_.newest(), topology::kVersionsMax) << "the bound was met";
  for (const int64_t version : model_.Kept()) {
    if (version < 0) continue;
    EXPECT_EQ(Get(version).document(), DocumentOf(*model_.versions[version - 1] + 1));
  }
}

}  // namespace
}  // namespace scoutlight::server
