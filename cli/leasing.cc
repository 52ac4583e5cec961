#include "cli/leasing.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "cli/entry_records.h"
#include "cli/flags.h"
#include "client/registry.h"

namespace scoutlight::cli {
namespace {

using Where = Field::Where;

// To the second, as what is left differs from call to call anyway.
std::string SecondsText(absl::Duration duration) { return absl::FormatDuration(absl::Trunc(duration, absl::Seconds(1))); }

Record LeaseRecord(const Lease& lease) {
  const std::string id = absl::StrCat(lease.id);
  return {.name = id,
          .fields = {{"lease_id", LeaseJson(lease.id)},
                     {"ttl", absl::FormatDuration(lease.ttl)},
                     {"remaining", absl::FormatDuration(lease.remaining), Where::kAlways, SecondsText(lease.remaining)}}};
}

std::string KeysText(int64_t count) { return count == 1 ? "1 key" : absl::StrCat(count, " keys"); }

void AddId(CLI::App* verb, LeaseId* lease_id) {
  verb->add_option("LEASE", *lease_id, "its number, as kv get -o wide shows it")
      ->required()
      ->check(RangeFault(1, std::numeric_limits<LeaseId>::max()))
      ->type_name("");
}

}  // namespace

Leasing::Leasing(CLI::App* lease, Verb* chosen) {
  CLI::App* const list = lease->add_subcommand("list", "list all leases");
  SetExample(list, "scoutctl lease list");
  ChooseOnServer(list, this, &Leasing::List, chosen);

  CLI::App* const get = lease->add_subcommand("get", "show a lease and the keys that go with it");
  AddId(get, &lease_id_);
  SetExample(get, "scoutctl lease get 7407814432059985318");
  ChooseOnServer(get, this, &Leasing::Get, chosen);

  CLI::App* const revoke = lease->add_subcommand("revoke", "end a lease: the keys that go with it are deleted");
  AddId(revoke, &lease_id_);
  revoke->add_flag("-y,--yes", yes_, "do not ask");
  SetExample(revoke, "scoutctl lease revoke 7407814432059985318 --yes");
  ChooseOnServer(revoke, this, &Leasing::Revoke, chosen);
}

absl::Status Leasing::List(const Call& call) const {
  const absl::StatusOr<ListLeasesResult> result = Registry(call.connection).ListLeases();
  if (!result.ok()) return result.status();
  std::vector<Record> records;
  for (const Lease& lease : result->leases) records.push_back(LeaseRecord(lease));
  call.printer.List("leases", records, StateJson(result->state));
  return absl::OkStatus();
}

absl::Status Leasing::Get(const Call& call) const {
  const absl::StatusOr<GetLeaseResult> result = Registry(call.connection).GetLease(lease_id_, Registry::LeaseKeys::kShown);
  if (!result.ok()) return result.status();
  Record record = LeaseRecord(result->lease);
  record.fields.push_back({"key_count", result->key_count});
  record.fields.push_back({"keys", result->keys, Where::kAlways, result->keys.empty() ? "-" : absl::StrJoin(result->keys, " ")});
  Append(StateFields(result->state), &record);
  call.printer.Item(record);
  const int64_t unlisted = result->key_count - static_cast<int64_t>(result->keys.size());
  if (unlisted > 0) call.printer.Note(absl::StrCat("and ", KeysText(unlisted), " more"));
  return absl::OkStatus();
}

absl::Status Leasing::ConfirmPlan(const Call& call) const {
  if (yes_) return absl::OkStatus();
  const absl::StatusOr<GetLeaseResult> plan = Registry(call.connection).GetLease(lease_id_, Registry::LeaseKeys::kShown);
  if (!plan.ok()) return plan.status();
  if (plan->key_count == 0) return absl::OkStatus();
  const std::string what = absl::StrCat("lease ", lease_id_, " with ", KeysText(plan->key_count));
  if (!call.printer.can_ask()) {
    return InvalidField(Reason::kInvalidField, "--yes", absl::StrCat("is missing: nobody can be asked whether to revoke ", what));
  }
  if (call.printer.Confirmed(absl::StrCat("Revoke ", what, "?"))) return absl::OkStatus();
  return absl::CancelledError("nothing was revoked");
}

absl::Status Leasing::Revoke(const Call& call) const {
  if (absl::Status refused = ConfirmPlan(call); !refused.ok()) return refused;
  const absl::StatusOr<RevokeResult> result = Registry(call.connection).RevokeLease(lease_id_);
  if (!result.ok()) return result.status();
  Record record{.name = absl::StrCat(lease_id_), .fields = {{"lease_id", LeaseJson(lease_id_)}, {"deleted", result->deleted}}};
  Append(StateFields(result->state), &record);
  call.printer.Done(
      absl::StrCat("revoked lease ", lease_id_, ", and deleted ", KeysText(result->deleted), " at revision ", result->state.revision),
      record);
  return absl::OkStatus();
}

}  // namespace scoutlight::cli
