#include "server/entry_conversion.h"

#include <utility>

namespace scoutlight::server {

void FillEntry(Entry entry, Values values, registry::v1::Entry* out) {
  if (entry.has_value && values == Values::kShown) {
    if (entry.value.form == Value::Form::kText) {
      out->set_text(std::move(entry.value.bytes));
    } else {
      out->set_data(std::move(entry.value.bytes));
    }
  }
  out->set_key(entry.key.path());
  out->set_create_revision(entry.create_revision);
  out->set_mod_revision(entry.mod_revision);
  out->set_version(entry.version);
  out->set_lease_id(entry.lease_id);
  out->set_has_value(entry.has_value);
  out->set_has_children(entry.has_children);
}

}  // namespace scoutlight::server
