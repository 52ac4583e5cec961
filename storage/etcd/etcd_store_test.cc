#include "storage/etcd/etcd_store.h"

#include <memory>
#include <random>

#include "gtest/gtest.h"
#include "storage/etcd/etcd_process.h"
#include "storage/testing/conformance.h"

namespace scoutlight::storage {
namespace {

// One etcd for all conformance cases: they keep to subtrees of their own.
EtcdProcess* SharedEtcd() {
  static const std::unique_ptr<EtcdProcess> etcd = EtcdProcess::Start();
  return etcd.get();
}

EtcdStoreOptions OptionsFor(const EtcdProcess& etcd) {
  EtcdStoreOptions options;
  options.target = etcd.target();
  options.random = [device = std::make_shared<std::random_device>()] { return (uint64_t{(*device)()} << 32) | (*device)(); };
  return options;
}

std::unique_ptr<Store> OpenStore(const EtcdProcess* etcd) {
  if (etcd == nullptr) return nullptr;
  absl::StatusOr<std::unique_ptr<Store>> store = OpenEtcdStore(OptionsFor(*etcd));
  EXPECT_TRUE(store.ok()) << store.status();
  return store.ok() ? *std::move(store) : nullptr;
}

INSTANTIATE_TEST_SUITE_P(Etcd, StoreConformance,
                         ::testing::Values(StoreUnderTest{"Etcd", [](Clock&) { return OpenStore(SharedEtcd()); }, /*obeys_clock=*/false}),
                         StoreName);

}  // namespace
}  // namespace scoutlight::storage
